import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runProgram, temporaryFolder } from "#tests/support/program.ts";

const KEYS = "src/local/commands/keys.ts";

test("generate makes a file for its owner alone and never writes over one", async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, "keys.json");
  expect(await runProgram(KEYS, ["generate", "--file", file]).ended).toMatchObject({ status: 0 });
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const before = await readFile(file, "utf8");
  const { status, printed } = await runProgram(KEYS, ["generate", "--file", file]).ended;
  expect([status, printed.trim()]).toEqual([1, `${file} is there already. Rotate it, or name another file.`]);
  expect(await readFile(file, "utf8")).toBe(before);
});

test.each(["", "prod"])("with STAGE=%j nobody gets round the hour by naming another time", async (STAGE) => {
  const { status, printed } = await runProgram(KEYS, ["generate", "--now", "2020-01-01T00:00:00Z"], { STAGE })
    .ended;
  expect([status, printed.trim()]).toEqual([1, "--now is for tests: it needs STAGE=local."]);
});

test.each([
  ["a time that is none", ["generate", "--now", "soon"]],
  ["an unknown option", ["generate", "--fiel", "x"]],
  ["no action", []],
])("%s is one line", async (_case, args) => {
  const { status, printed } = await runProgram(KEYS, args, { STAGE: "local" }).ended;
  expect(status).toBe(1);
  expect(printed.trim().split("\n")).toHaveLength(1);
});
