import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { listFiles } from "#tests/tools/docs/markdown.ts";
import { LOCAL } from "#tools/docs/pages/configure.ts";

/** Of the system, or handed by a test to a program of its own. */
const OF_THE_SYSTEM = ["PATH", "TZ", "XDG_CACHE_HOME", "AWS_LAMBDA_RUNTIME_API", "FATE"];

test("docs/configure.md has every variable that our programs read", async () => {
  const deployed = [...(await readFile(".env.example", "utf8")).matchAll(/^([A-Z_]+)=/gm)].map(
    ([, name]) => name,
  );
  const shown = LOCAL.flatMap(([names]) => names.split(", "));
  const read = new Set<string>();
  for (const file of listFiles("src/*.ts", "tools/*.ts", "packages/*.ts", "tests/*.ts")) {
    const source = await readFile(file, "utf8");
    for (const [, name = ""] of source.matchAll(/process\.env\.([A-Z][A-Z_]+)/g)) read.add(name);
    for (const [, names = ""] of source.matchAll(/\{ ([A-Z_, ]+) \} = process\.env/g))
      for (const name of names.split(", ")) read.add(name);
  }
  const known = [...deployed, ...shown, ...OF_THE_SYSTEM];
  expect(read.size).toBeGreaterThan(8);
  expect([...read].filter((name) => !known.includes(name))).toEqual([]);
});
