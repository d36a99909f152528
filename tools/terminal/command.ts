import { createInterface } from "node:readline/promises";
import type { Command } from "commander";
import { ConfigError, type Environment } from "#core/config.ts";
import { NestError } from "#core/errors.ts";
import { toNestError } from "#entry/answer.ts";
import { CheckFailed, CommandError, UsageError } from "#tools/terminal/errors.ts";
import { localStack, localUrl } from "#tools/terminal/local_stack.ts";

/** Reads what a deployed stage is configured with, on top of the shell's environment. */
type StageEnvironment = (
  options: { stage?: string | undefined; settings?: string | undefined },
  shell: Environment,
) => Promise<Environment>;

/** Where the program runs: a shell, or a test. */
export interface World {
  environment: Environment;
  /** Takes a line of output. */
  out: (line: string) => void;
  /** Takes a line about what went wrong. */
  err: (line: string) => void;
}

type ProgramWorld = World & { stageEnvironment: StageEnvironment };

const worlds = new WeakMap<Command, ProgramWorld>();

/** Sets where a program and each of its commands run. */
export function setWorld(program: Command, world: ProgramWorld): void {
  worlds.set(program, world);
}

function worldOf(command: Command): ProgramWorld {
  const world = worlds.get(command);
  if (world) return world;
  if (!command.parent) throw new Error("setWorld was not called");
  return worldOf(command.parent);
}

/** What a command has of the terminal. */
export interface Terminal extends Pick<World, "environment" | "err"> {
  /** Prints a line, with `--json` too. */
  print(line: string): void;
  /** Prints a line of what goes on; nothing with `--json`. */
  say(line: string): void;
  /** Prints the result: with `--json` the value as one document, else the words. */
  show(value: unknown, words: string | readonly string[]): void;
  /** Prints the value with `--json`, where words were said on the way. */
  result(value: unknown): void;
  /** Asks before something that can't be undone. @throws CommandError unless the operator types the word, or said --yes */
  confirm(what: string, word: string): Promise<void>;
}

/** What a command answers: false where something is not as it should be (status 1). */
// biome-ignore lint/suspicious/noConfusingVoidType: a command that answers nothing has found nothing wrong
export type Verdict = boolean | void;

interface GlobalOptions {
  json?: boolean;
  yes?: boolean;
  local?: boolean;
  stage?: string;
  settings?: string;
}

/**
 * Gives a command its work. A failure is one sentence on standard error, never a trace or a value of the environment.
 * @param work gets the terminal, then commander's arguments and options, its own and the program's
 */
export const act = <Args extends unknown[]>(command: Command, work: Work<Args>): Command =>
  perform(command, work, environmentOf);

/** The same for a command that works on what a stage is configured with, and not on what that leads to. */
export const actOnConfiguration = <Args extends unknown[]>(command: Command, work: Work<Args>): Command =>
  perform(command, work, async ({ local }, { environment }) => {
    if (local) throw new UsageError(LOCAL_STAGE);
    return environment;
  });

type Work<Args extends unknown[]> = (terminal: Terminal, ...args: Args) => Promise<Verdict>;

function perform<Args extends unknown[]>(
  command: Command,
  work: Work<Args>,
  choose: (options: GlobalOptions, world: ProgramWorld) => Promise<Environment>,
): Command {
  return command.action(async (...given: unknown[]) => {
    const self = given.pop() as Command;
    const options = self.optsWithGlobals<GlobalOptions>();
    given[given.length - 1] = options;
    const { json = false, yes = false } = options;
    const world = worldOf(self);
    const terminalOn = (environment: Environment): Terminal => ({
      environment,
      err: world.err,
      print: world.out,
      say(line) {
        if (!json) world.out(line);
      },
      show(value, words) {
        world.out(json ? JSON.stringify(value, null, 2) : [words].flat().join("\n"));
      },
      result(value) {
        if (json) world.out(JSON.stringify(value, null, 2));
      },
      confirm: (what, word) => confirm(what, word, yes),
    });
    try {
      const terminal = terminalOn(await choose(options, world));
      if ((await work(terminal, ...(given as Args))) === false) throw new CheckFailed();
    } catch (error) {
      if (error instanceof UsageError) self.error(error.message, { exitCode: 2 });
      if (!(error instanceof CheckFailed)) world.err(sentence(error));
      throw new CheckFailed();
    }
  });
}

const LOCAL_STAGE = "--local: a stage is at AWS, and the local stack has none.";

/** What a command works on: what the shell says, or the local stack, or a deployed stage. */
async function environmentOf(
  { local = false, stage, settings }: GlobalOptions,
  { environment: shell, stageEnvironment }: ProgramWorld,
): Promise<Environment> {
  if (local && stage !== undefined) throw new UsageError(LOCAL_STAGE);
  if (local) return requireLocal(shell);
  if (stage === undefined) return shell;
  return stageEnvironment({ stage, settings }, shell);
}

async function requireLocal(environment: Environment): Promise<Environment> {
  const found = await localStack(environment);
  if (found) return found;
  throw new CommandError(
    `No local stack answers at ${localUrl(environment)}: \`npm start\` starts one, and PORT says where.`,
  );
}

async function confirm(what: string, word: string, isSaid: boolean): Promise<void> {
  if (isSaid) return;
  if (!process.stdin.isTTY) throw new CommandError(`${what} This can't be undone: say --yes.`);
  const asking = createInterface({ input: process.stdin, output: process.stderr });
  const typed = await asking.question(`${what} This can't be undone. Type ${word} to go on: `);
  asking.close();
  if (typed.trim() !== word) throw new CommandError("Nothing was changed.");
}

function sentence(error: unknown): string {
  if (error instanceof ConfigError && error.names.includes("MONGODB_URI"))
    return `${error.message} Say --local for the stack that \`npm start\` runs.`;
  if (error instanceof CommandError || error instanceof ConfigError) return error.message;
  return inWords(error);
}

/** A failure in a few words, without anything that a library's message could quote. */
export function inWords(error: unknown): string {
  const { code, detail, cause } = toNestError(error);
  const more = detail ?? (error instanceof NestError || !(cause instanceof Error) ? undefined : cause.name);
  return more === undefined ? code : `${code} (${more})`;
}

/** Rows in columns as wide as they need. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

const given = new WeakMap<Command, readonly string[]>();

/** Examples under a command's help, and on its page of the docs. */
export function examples(command: Command, lines: readonly string[]): Command {
  given.set(command, lines);
  return command.addHelpText(
    "after",
    `\nExamples:\n${lines.map((line) => `  npm run nest -- ${line}`).join("\n")}`,
  );
}

/** The examples that a command was given. */
export function examplesOf(command: Command): readonly string[] {
  return given.get(command) ?? [];
}

/** A time as an operator writes it. @throws UsageError */
export function readTime(text: string): Date {
  const isTime = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/.test(text);
  const time = new Date(text);
  if (!isTime || Number.isNaN(time.getTime()))
    throw new UsageError("A time is such as 2026-01-31T12:00:00Z.");
  return time;
}
