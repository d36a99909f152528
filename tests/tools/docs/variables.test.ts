import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { listFiles } from "#tests/tools/docs/markdown.ts";
import { LOCAL } from "#tools/docs/pages/configure.ts";

/** Set by the operating system, or by a test for a program or bundle of its own. */
const UNDOCUMENTED = [
  "PATH",
  "TZ",
  "XDG_CACHE_HOME",
  "AWS_LAMBDA_RUNTIME_API",
  "AWS_LAMBDA_FUNCTION_NAME",
  "CRASH_POINT",
  "CLOCK_STARTED_AT",
  // Replaced in a bundle of a browser test.
  "NODE_ENV",
];

test("docs/configure.md lists every environment variable that the code reads", async () => {
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
  const known = [...deployed, ...shown, ...UNDOCUMENTED];
  expect(read.size).toBeGreaterThan(8);
  expect([...read].filter((name) => !known.includes(name))).toEqual([]);
});
