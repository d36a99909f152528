import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { StripeFaultKind } from "#stripe_double/faults.ts";
import { stripeRoutes } from "#stripe_double/stripe_routes.ts";
import { EVENT_TYPES } from "#stripe_double/types.ts";
import { startDoubleWithSdk } from "#tests/packages/stripe_double/double_with_sdk.ts";
import { temporaryFolder } from "#tests/support/program.ts";
import { run } from "#tools/machine/child_process.ts";

const PACKAGE = fileURLToPath(new URL("../../../packages/stripe_double/", import.meta.url));
const MODULES = fileURLToPath(new URL("../../../node_modules/", import.meta.url));
const compiler = join(
  dirname(createRequire(import.meta.url).resolve("typescript/package.json")),
  "bin",
  "tsc",
);
const manifest = JSON.parse(await readFile(join(PACKAGE, "package.json"), "utf8"));
const declared = { ...manifest.dependencies, ...manifest.peerDependencies };
const readme = await readFile(join(PACKAGE, "README.md"), "utf8");

describe("the source of the Stripe double", () => {
  test("imports only its own files, its declared dependencies and Node", async () => {
    const files = (await readdir(join(PACKAGE, "src"))).filter((name) => name.endsWith(".ts"));
    const packages = new Set<string>();
    for (const file of files) {
      const code = await readFile(join(PACKAGE, "src", file), "utf8");
      for (const [, name = ""] of code.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)) {
        if (name.startsWith("./")) expect(files, `${file} imports ${name}`).toContain(name.slice(2));
        else if (!name.startsWith("node:")) packages.add(name.split("/")[0] ?? "");
      }
    }
    expect([...packages].sort()).toEqual(Object.keys(declared).sort());
  });

  test("declares the versions that this repository tests it with", async () => {
    const { dependencies } = JSON.parse(await readFile(join(MODULES, "../package.json"), "utf8"));
    for (const [name, version] of Object.entries(declared)) expect(dependencies[name], name).toBe(version);
  });

  test("does not mention Nest or the product that it sells", async () => {
    for (const file of await readdir(join(PACKAGE, "src"))) {
      expect(await readFile(join(PACKAGE, "src", file), "utf8"), file).not.toMatch(/beak|nest\b/i);
    }
  });
});

describe("the packed Stripe double in a folder that has only its dependencies", () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  beforeAll(async () => {
    folder = await temporaryFolder();
    await run("npm", ["pack", "--pack-destination", folder.path], { cwd: PACKAGE });
    const installed = join(folder.path, "node_modules", ...manifest.name.split("/"));
    await mkdir(installed, { recursive: true });
    const archive = join(folder.path, `getbeak-stripe-double-${manifest.version}.tgz`);
    await run("tar", ["-xzf", archive, "--strip-components=1", "-C", installed]);
    for (const name of Object.keys(declared)) {
      await symlink(join(MODULES, name), join(folder.path, "node_modules", name));
    }
    await writeFile(join(folder.path, "package.json"), '{"type":"module"}');
  }, 120_000);
  afterAll(() => folder?.[Symbol.asyncDispose]());

  test("runs the example of its README with Stripe's SDK", async () => {
    const [, example = ""] = /```js\n([\s\S]*?)```/.exec(readme) ?? [];
    const file = join(folder.path, "example.js");
    await writeFile(file, example);
    const printed = await run(process.execPath, [file], { cwd: folder.path, timeoutMs: 30_000 });
    expect(printed).toMatch(/^active\n/);
    expect(printed).toContain("customer.subscription.trial_will_end");
  });

  test("serves the billing portal with its style", async () => {
    const program = `import { startStripeDouble } from "${manifest.name}";
      const double = await startStripeDouble();
      const { customer } = double.createSubscription({ email: "ada@example.com" });
      console.log(await (await fetch(double.openPortal(customer))).text());
      await double.close();`;
    const file = join(folder.path, "portal.js");
    await writeFile(file, program);
    const printed = await run(process.execPath, [file], { cwd: folder.path, timeoutMs: 30_000 });
    expect(printed).toContain("Default product, £4.99 a month");
    expect(printed).toContain("--accent");
  });

  test("has types that a strict program compiles with", async () => {
    const program = `import { startStripeDouble, type StripeDouble } from "${manifest.name}";
      const double: StripeDouble = await startStripeDouble({ account: { name: "Shop" } });
      double.fault({ calls: 1, kind: "error" });
      // @ts-expect-error no such kind of fault
      double.fault({ calls: 1, kind: "explode" });
      const status: string = double.createSubscription({ email: null, trialDays: 14 }).status;
      console.log(status);`;
    await writeFile(join(folder.path, "types.ts"), program);
    const options = ["--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "--target", "es2023"];
    const types = ["--typeRoots", join(MODULES, "@types"), "--types", "node"];
    await run(process.execPath, [compiler, ...options, ...types, "types.ts"], { cwd: folder.path });
  });
});

describe("the README of the Stripe double", () => {
  const missingIn = (text: string, names: readonly string[]) => names.filter((name) => !text.includes(name));

  test("names every resource of the API", () => {
    const paths = stripeRoutes({ base: "", returnUrl: null }).map(({ path }) => path);
    const resources = new Set(paths.map((path) => `\`${path.replace(/\/:id.*/, "")}\``));
    expect(missingIn(readme, [...resources])).toEqual([]);
  });

  test("names every event type", () => {
    for (const type of EVENT_TYPES) {
      const [, group = "", name = ""] = /^(.*)\.(\w+)$/.exec(type) ?? [];
      const row = readme.split("\n").find((line) => line.startsWith(`| \`${group}\` |`));
      expect(row, type).toContain(`\`${name}\``);
    }
  });

  test("names every kind of fault", () => {
    const kinds: Record<StripeFaultKind, true> = {
      ...{ error: true, rate_limited: true, missing: true, hang: true, error_after: true },
      ...{ lost: true, hang_after: true, none: true },
    };
    const rows = Object.keys(kinds).map((kind) => `| \`${kind}\` |`);
    expect(missingIn(readme, rows)).toEqual([]);
  });

  test("names every property and method of a running double", async () => {
    await using running = await startDoubleWithSdk();
    const names = Object.keys(running.double).map((name) => `\`${name}`);
    expect(missingIn(readme, names)).toEqual([]);
  });
});
