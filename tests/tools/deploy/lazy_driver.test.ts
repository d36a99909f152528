import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as whole from "mongodb";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { bundle } from "#tools/deploy/bundle.ts";
import { loadWhenUsed } from "#tools/deploy/lazy_driver.ts";

describe("a module that TypeScript compiled", () => {
  const compiled = `"use strict";
exports.twice = exports.One = void 0;
const one_1 = require("./one");
const fs = require("fs");
class Two extends one_1.One {}
const twice = () => (0, one_1.of)(fs.one, one_11, new one_1.One(), { ...one_1.all });
`;

  test("loads an import at its first use", () => {
    const lazy = loadWhenUsed(compiled);
    expect(lazy).toContain('const one_1_load = () => (one_1_module ??= require("./one"));');
    expect(lazy).toContain("class Two extends (one_1_load()).One {}");
    expect(lazy).toContain("(0, (one_1_load()).of)(");
    expect(lazy).toContain("{ ...(one_1_load()).all }");
    expect(lazy).toContain("new (one_1_load()).One()");
  });

  test("keeps every other name", () => {
    expect(loadWhenUsed(compiled)).toContain('const fs = require("fs");');
    expect(loadWhenUsed(compiled)).toContain("(fs.one, one_11, ");
  });

  test("is refused if a property has the name of an import", () => {
    expect(() => loadWhenUsed(`${compiled}fs.one_1();`)).toThrow("one_1 is also a property.");
  });
});

describe("the bundled MongoDB driver", () => {
  let folder: string;
  let bundled: typeof whole & { loaded: number };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "nest-driver-"));
    const { bundles } = await bundle({ driver: "tests/tools/deploy/whole_driver.ts" });
    const file = join(folder, "driver.js");
    await writeFile(file, bundles[0]?.code ?? "");
    bundled = createRequire(import.meta.url)(file);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test("has every export of the driver with the same kind and methods, except client-side encryption", () => {
    const left = ["default", "module.exports", "__esModule", "BSON"];
    const kindOf = (value: unknown) => {
      const keys = value !== null && typeof value === "object" ? Object.keys(value).sort() : [];
      const methods =
        typeof value === "function" && value.prototype
          ? Object.getOwnPropertyNames(value.prototype).sort()
          : [];
      return { type: typeof value, keys, methods };
    };
    const shapeOf = (module: object) =>
      Object.fromEntries(
        Object.entries(module)
          .filter(([name]) => !left.includes(name) && !/Encryption|Crypt/.test(name))
          .map(([name, value]) => [name, kindOf(value)]),
      );
    expect(shapeOf(bundled)).toEqual(shapeOf(whole));
    expect(Object.keys(shapeOf(bundled)).length).toBeGreaterThan(100);
  });

  test("knows each authentication mechanism of the driver", () => {
    for (const mechanism of ["SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "MONGODB-X509"]) {
      const x509 = mechanism === "MONGODB-X509";
      const source = x509 || mechanism === "PLAIN" ? "$external" : "admin";
      const uri = `mongodb://${x509 ? "" : "ada:secret@"}localhost/?authMechanism=${mechanism}&authSource=${encodeURIComponent(source)}`;
      expect(new bundled.MongoClient(uri).options.credentials?.mechanism).toBe(mechanism);
    }
  });

  test("writes, reads and reports a duplicate key, as the driver does", async () => {
    const client = new bundled.MongoClient(inject("mongoUri"));
    try {
      const collection = client.db("nest-lazy-driver").collection<{ _id: string; at: Date }>("documents");
      await collection.drop().catch(() => undefined);
      const at = new Date(0);
      await collection.insertOne({ _id: "a", at });
      await expect(collection.insertOne({ _id: "a", at })).rejects.toMatchObject({
        code: 11000,
        name: "MongoServerError",
      });
      expect(await collection.findOneAndUpdate({ _id: "a" }, { $set: { at: new Date(1) } })).toEqual({
        _id: "a",
        at,
      });
      expect(await collection.aggregate([{ $match: { _id: "a" } }]).toArray()).toEqual([
        { _id: "a", at: new Date(1) },
      ]);
      await client.db("nest-lazy-driver").dropDatabase();
    } finally {
      await client.close();
    }
  });
});
