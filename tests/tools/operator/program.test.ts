import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { expect, test } from "vitest";
import { runCli } from "#tests/support/cli.ts";
import { runProgram } from "#tests/support/program.ts";
import { nestProgram } from "#tools/operator/nest.ts";
import { examplesOf } from "#tools/terminal/command.ts";

test("exits with 0 for help, 1 for a failure and 2 for wrong usage", async () => {
  const run = (...args: string[]) => runProgram("tools/operator/nest.ts", args, { MONGODB_URI: "" }).ended;
  const [help, unwell, wrong] = await Promise.all([
    run("users", "--help"),
    run("users", "find", "x"),
    run("users", "fnid"),
  ]);
  expect(help).toMatchObject({ status: 0, printed: expect.stringContaining("why [options] <user>") });
  expect(unwell).toMatchObject({ status: 1, printed: expect.stringContaining("MONGODB_URI") });
  expect(wrong).toMatchObject({ status: 2, printed: expect.stringContaining("find") });
});

test("--version prints the version of package.json", async () => {
  const { version } = JSON.parse(await readFile("package.json", "utf8"));
  expect(await runCli(["--version"], {})).toEqual({ status: 0, printed: `${version}\n` });
});

test("every command has a description and an example that parses", async () => {
  const commands = nestProgram().commands.flatMap((area) =>
    area.commands.map((command) => [area, command] as const),
  );
  for (const [area, command] of commands) {
    const name = `${area.name()} ${command.name()}`;
    expect(command.description(), name).toEqual(expect.stringMatching(/\w/));
    expect(examplesOf(command).length, name).toEqual(expect.any(Number));
    for (const example of examplesOf(command)) {
      expect(example.startsWith(name)).toBe(true);
      const heard: string[] = [];
      const again = nestProgram();
      silence(again, heard);
      await again.parseAsync(wordsOf(example), { from: "user" });
      expect(heard).toEqual([name]);
    }
  }
});

/** Replaces the action of every command by an action that records the call. */
function silence(command: Command, heard: string[]): void {
  command.exitOverride();
  for (const area of command.commands)
    for (const inner of area.commands)
      inner.exitOverride().action(() => void heard.push(`${area.name()} ${inner.name()}`));
}

/** Splits a command line as a shell does: quoted words may have spaces. */
function wordsOf(line: string): string[] {
  return (line.match(/"[^"]*"|\S+/g) ?? []).map((word) => word.replace(/^"(.*)"$/, "$1"));
}
