import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { readTable, references } from "#tools/security/tables.ts";

const ROOT = new URL("../../../", import.meta.url);
const read = (path: string) => readFile(new URL(path, ROOT), "utf8");
const [asvs, threats, measures, ids] = await Promise.all(
  ["asvs.md", "threats.md", "measures.md", "asvs_ids.txt"].map((name) => read(`docs/security/${name}`)),
);
/** Every table of the page with this heading, one after another. */
const tables = (page = "", ...head: string[]) =>
  page
    .split(/^## /m)
    .filter((section) => section.includes(`| ${head.join(" | ")} |`))
    .flatMap((section) => readTable(section, ...head));

/** Source files of what is deployed. */
async function deployed(): Promise<string[]> {
  const rooms = ["core", "entry", "methods", "callbacks"].map((room) => `src/${room}`);
  const files = await Promise.all(
    rooms.map(async (room) =>
      (await readdir(new URL(room, ROOT), { recursive: true })).map((file) => `${room}/${file}`),
    ),
  );
  return files.flat().filter((file) => file.endsWith(".ts") && !file.endsWith(".d.ts"));
}

describe("the ASVS table", () => {
  const rows = tables(asvs, "Id", "Level", "Answer", "Why");

  test("answers every requirement of its chapters once, at its level", () => {
    expect(rows.map(({ Id, Level }) => `${Id} L${Level}`)).toEqual(ids?.trim().split("\n"));
    expect(rows.length).toBe(213);
  });

  test("says met, not applicable or not met, and why; what is met names a file", () => {
    for (const { Id, Answer, Why = "" } of rows) {
      expect(["met", "not applicable", "not met"], Id).toContain(Answer);
      expect(Why.length, Id).toBeGreaterThan(5);
      if (Answer === "met") expect(references(Why).length, Id).toBeGreaterThan(0);
    }
  });

  test("is counted right", () => {
    const sums = tables(`## ${asvs}`, "Level", "met", "not applicable", "not met");
    for (const { Level, ...sum } of sums)
      for (const [answer, count] of Object.entries(sum))
        expect(Number(count), `${Level} ${answer}`).toEqual(
          rows.filter((row) => row.Level === Level && row.Answer === answer).length,
        );
    expect(sums).toHaveLength(3);
  });
});

describe("the security pages", () => {
  test.each([
    ["asvs.md", asvs],
    ["threats.md", threats],
    ["measures.md", measures],
  ])("every test and file that %s names is there", async (_name, page = "") => {
    const named = references(page);
    expect(named.length).toBeGreaterThan(5);
    for (const { file, title } of named) {
      expect(existsSync(new URL(file, ROOT)), file).toBe(true);
      if (title !== null) expect((await read(file)).includes(title), `${file} "${title}"`).toBe(true);
    }
  });

  test("every threat names its tests, and every test of an attack is named by a threat", async () => {
    const attacks = tables(threats, "Attack", "What Nest does", "Tests");
    expect(attacks.length).toBeGreaterThan(20);
    for (const { Attack, Tests = "" } of attacks) expect(references(Tests).length, Attack).toBeGreaterThan(0);
    const named = attacks.flatMap(({ Tests = "" }) => references(Tests)).map(({ file }) => file);
    const written = (await readdir(new URL("tests/attacks", ROOT))).filter((file) =>
      file.endsWith(".test.ts"),
    );
    for (const file of written) expect(named).toContain(`tests/attacks/${file}`);
  });

  test("every file that uses cryptography is in the inventory", async () => {
    const rows = tables(measures, "What for", "How", "Where");
    const inventory = new Set(rows.flatMap(({ Where = "" }) => references(Where)).map(({ file }) => file));
    const uses = /from "(?:node:crypto|jose|ksuid)"|\bStripe\.webhooks\b|\bcrypto\.subtle\b/;
    const using = new Set<string>();
    for (const file of await deployed()) {
      const source = await read(file);
      if (uses.test(source)) using.add(file);
      for (const [, hash] of source.matchAll(/create(?:Hash|Hmac)\("([^"]+)"/g))
        expect(hash, file).toBe("sha256");
    }
    expect([...inventory].sort()).toEqual([...using].sort());
  });

  test("no id or secret is made of Math.random", async () => {
    // There it only spreads waits.
    const files = (await deployed()).filter((file) => file !== "src/core/services/ssm.ts");
    for (const file of files) expect(await read(file), file).not.toMatch(/Math\.random/);
  });
});

describe("reading tables", () => {
  const page = [
    "## A",
    "| X | Y |",
    "| --- | --- |",
    '| 1 | `a/b.ts` "one" "two" and `c/d.test.ts` |',
    "",
    "| 2 |",
  ].join("\n");

  test("a row is a record, and a cell names files with titles or without", () => {
    const [row] = readTable(page, "X", "Y");
    expect(row?.X).toBe("1");
    expect(references(row?.Y ?? "")).toEqual([
      { file: "a/b.ts", title: "one" },
      { file: "a/b.ts", title: "two" },
      { file: "c/d.test.ts", title: null },
    ]);
  });

  test("a table that is not there is an error", () => {
    expect(() => readTable(page, "X", "Z")).toThrow("no table");
  });
});
