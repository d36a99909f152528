import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { readTable, references } from "#tools/security/tables.ts";

const ROOT = new URL("../../../", import.meta.url);
const read = (path: string) => readFile(new URL(path, ROOT), "utf8");
const [asvs, threats, measures, ids] = await Promise.all(
  ["asvs.md", "threats.md", "measures.md", "asvs_ids.txt"].map((name) => read(`docs/security/${name}`)),
);
/** The rows of every table of the page with this heading. */
const tables = (page = "", ...head: string[]) =>
  page
    .split(/^## /m)
    .filter((section) => section.includes(`| ${head.join(" | ")} |`))
    .flatMap((section) => readTable(section, ...head));

/** Source files of the deployed code. */
async function deployed(): Promise<string[]> {
  const folders = ["core", "entry", "methods", "callbacks"].map((folder) => `src/${folder}`);
  const files = await Promise.all(
    folders.map(async (folder) =>
      (await readdir(new URL(folder, ROOT), { recursive: true })).map((file) => `${folder}/${file}`),
    ),
  );
  return files.flat().filter((file) => file.endsWith(".ts") && !file.endsWith(".d.ts"));
}

describe("the ASVS table", () => {
  const rows = tables(asvs, "Id", "Level", "Answer", "Why");

  test("has every requirement of its chapters once, with its level", () => {
    expect(rows.map(({ Id, Level }) => `${Id} L${Level}`)).toEqual(ids?.trim().split("\n"));
    expect(rows.length).toBe(226);
  });

  test("has an answer and a reason for each requirement, and names a file where it is met", () => {
    for (const { Id, Answer, Why = "" } of rows) {
      expect(["met", "not applicable", "not met"], Id).toContain(Answer);
      expect(Why.length, Id).toBeGreaterThan(5);
      if (Answer === "met") expect(references(Why).length, Id).toBeGreaterThan(0);
    }
  });

  test("has sums that match its rows", () => {
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
  ])("%s names only tests and files that exist", async (_name, page = "") => {
    const named = references(page);
    expect(named.length).toBeGreaterThan(5);
    for (const { file, title } of named) {
      expect(existsSync(new URL(file, ROOT)), file).toBe(true);
      if (title !== null) expect((await read(file)).includes(title), `${file} "${title}"`).toBe(true);
    }
  });

  test("each attack names its tests, and each test file in tests/attacks is named", async () => {
    const attacks = tables(threats, "Attack", "What Nest does", "What remains", "Tests");
    expect(attacks.length).toBeGreaterThan(20);
    for (const { Attack, Tests = "" } of attacks) expect(references(Tests).length, Attack).toBeGreaterThan(0);
    const named = attacks.flatMap(({ Tests = "" }) => references(Tests)).map(({ file }) => file);
    const written = (await readdir(new URL("tests/attacks", ROOT))).filter((file) =>
      file.endsWith(".test.ts"),
    );
    for (const file of written) expect(named).toContain(`tests/attacks/${file}`);
  });

  test("the inventory of cryptography lists exactly the files that use it", async () => {
    const rows = tables(measures, "What for", "How", "Where");
    const inventory = new Set(rows.flatMap(({ Where = "" }) => references(Where)).map(({ file }) => file));
    const uses =
      /from "(?:node:crypto|jose|ksuid|openid-client|otpauth|@simplewebauthn\/server)"|\bStripe\.webhooks\b|\bcrypto\.subtle\b/;
    const using = new Set<string>();
    for (const file of await deployed()) {
      const source = await read(file);
      if (uses.test(source)) using.add(file);
      for (const [, hash] of source.matchAll(/create(?:Hash|Hmac)\("([^"]+)"/g))
        expect(hash, file).toBe("sha256");
    }
    expect([...inventory].sort()).toEqual([...using].sort());
  });

  test("the deployed code does not generate ids or secrets with Math.random", async () => {
    // ssm.ts uses it for jitter.
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

  test("reads a row as a record, and the files and titles that a cell names", () => {
    const [row] = readTable(page, "X", "Y");
    expect(row?.X).toBe("1");
    expect(references(row?.Y ?? "")).toEqual([
      { file: "a/b.ts", title: "one" },
      { file: "a/b.ts", title: "two" },
      { file: "c/d.test.ts", title: null },
    ]);
  });

  test("throws if the page has no such table", () => {
    expect(() => readTable(page, "X", "Z")).toThrow("no table");
  });
});
