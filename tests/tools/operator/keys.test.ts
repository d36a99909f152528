import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runCli } from "#tests/support/cli.ts";
import { temporaryFolder } from "#tests/support/program.ts";

test("generate writes a file that only its owner can read, and never overwrites one", async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, "keys.json");
  expect(await runCli(["keys", "generate", "--file", file], {})).toMatchObject({ status: 0 });
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const before = await readFile(file, "utf8");
  const { status, printed } = await runCli(["keys", "generate", "--file", file], {});
  expect([status, printed.trim()]).toEqual([
    1,
    `${file} exists already. Use \`keys rotate\`, or choose another file.`,
  ]);
  expect(await readFile(file, "utf8")).toBe(before);
});

test.each(["", "prod"])("--now cannot shorten the hour between rotations with STAGE=%j", async (STAGE) => {
  const { status, printed } = await runCli(["keys", "generate", "--now", "2020-01-01T00:00:00Z"], {
    STAGE,
  });
  expect([status, printed.trim()]).toEqual([1, "--now is for tests. It requires STAGE=local."]);
});

test.each([
  ["an invalid time", ["generate", "--now", "soon"]],
  ["an unknown option", ["generate", "--fiel", "x"]],
  ["an unknown command", ["melt"]],
])("%s is reported and exits with 2", async (_case, args) => {
  const { status, printed } = await runCli(["keys", ...args], { STAGE: "local" });
  expect({ status, printed }).toEqual({
    status: 2,
    printed: expect.stringMatching(/^error: |^--now is not a time/),
  });
});

test("retire removes a leaked key in any state at once, and another key signs from then on", async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, "keys.json");
  const keys = (...args: string[]) => runCli(["keys", ...args, "--file", file], { STAGE: "local" });
  const states = async () => {
    const set = JSON.parse(await readFile(file, "utf8")) as { keys: { kid: string; state: string }[] };
    return set.keys.map(({ kid, state }) => [state, kid] as const);
  };
  const of = async (wanted: string) => (await states()).find(([state]) => state === wanted)?.[1] ?? "";
  await keys("generate");
  const [current, next] = [await of("current"), await of("next")];
  expect(await keys("retire", current)).toMatchObject({
    status: 1,
    printed: expect.stringContaining("--yes"),
  });
  expect(await of("current")).toBe(current);
  expect(await keys("retire", current, "--yes")).toMatchObject({ status: 0 });
  expect(await of("current")).toBe(next);
  expect((await states()).map(([, kid]) => kid)).not.toContain(current);
  const fresh = await of("next");
  expect(await keys("retire", fresh, "--yes")).toMatchObject({ status: 0 });
  expect(await of("next")).not.toBe(fresh);
  expect(await of("current")).toBe(next);
  expect(await keys("retire", "2020-01-01-nobody", "--yes")).toMatchObject({ status: 1 });
});
