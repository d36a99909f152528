import type { Command } from "commander";
import { ConfigError, type Environment } from "#core/config.ts";
import { NestError } from "#core/errors.ts";
import { toNestError } from "#entry/answer.ts";
import { CheckFailed, CommandError, UsageError } from "#tools/terminal/errors.ts";
import { localStack, localUrl } from "#tools/terminal/local_stack.ts";
import { confirmByTyping } from "#tools/terminal/prompts.ts";

/** Reads what a deployed stage is configured with, on top of the shell's environment. */
type StageEnvironment = (
  options: { stage?: string | undefined; settings?: string | undefined },
  shell: Environment,
  secrets: readonly string[],
) => Promise<Environment>;

/** The shell that the program runs in, or a test's stand-in for it. */
export interface Shell {
  environment: Environment;
  /** Prints a line to standard output. */
  out: (line: string) => void;
  /** Prints a line to standard error. */
  err: (line: string) => void;
}

type ProgramShell = Shell & { stageEnvironment: StageEnvironment };

const shells = new WeakMap<Command, ProgramShell>();

/** Sets the shell of a program and all its commands. */
export function setShell(program: Command, shell: ProgramShell): void {
  shells.set(program, shell);
}

function shellOf(command: Command): ProgramShell {
  const shell = shells.get(command);
  if (shell) return shell;
  if (!command.parent) throw new Error("setShell was not called");
  return shellOf(command.parent);
}

/** The environment and output functions of a command. */
export interface Terminal extends Pick<Shell, "environment" | "err"> {
  /** Prints a line, also with `--json`. */
  print(line: string): void;
  /** Prints a progress line; nothing with `--json`. */
  say(line: string): void;
  /** Prints the result: the value as one JSON document with `--json`, else the lines of text. */
  show(value: unknown, words: string | readonly string[]): void;
  /** Prints the value with `--json`; without it the progress lines are the result. */
  result(value: unknown): void;
  /** Asks before an irreversible change. @throws CommandError unless the operator types the word or passed --yes */
  confirm(what: string, word: string): Promise<void>;
}

/** The result of a command: false if its check failed (exit status 1). */
// biome-ignore lint/suspicious/noConfusingVoidType: a command without a result has succeeded
export type CommandResult = boolean | void;

interface GlobalOptions {
  json?: boolean;
  yes?: boolean;
  local?: boolean;
  stage?: string;
  settings?: string;
}

/**
 * Sets the action of a command. A failure prints one sentence to standard error, never a stack trace or the value of a
 * variable.
 * @param work receives the terminal, then commander's arguments, then the options of the command and the program
 * @param secrets those that the command reads on a stage besides the ones that every command gets
 */
export const act = <Args extends unknown[]>(
  command: Command,
  work: Work<Args>,
  { secrets = [] }: { secrets?: readonly string[] } = {},
): Command => perform(command, work, (options, shell) => environmentOf(options, shell, secrets));

/** As `act`, for a command that changes a stage's configuration: it keeps the shell's environment and refuses --local. */
export const actOnConfiguration = <Args extends unknown[]>(command: Command, work: Work<Args>): Command =>
  perform(command, work, async ({ local }, { environment }) => {
    if (local) throw new UsageError(LOCAL_STAGE);
    return environment;
  });

type Work<Args extends unknown[]> = (terminal: Terminal, ...args: Args) => Promise<CommandResult>;

function perform<Args extends unknown[]>(
  command: Command,
  work: Work<Args>,
  choose: (options: GlobalOptions, shell: ProgramShell) => Promise<Environment>,
): Command {
  return command.action(async (...given: unknown[]) => {
    const self = given.pop() as Command;
    const options = self.optsWithGlobals<GlobalOptions>();
    given[given.length - 1] = options;
    const { json = false, yes = false } = options;
    const shell = shellOf(self);
    const terminalOn = (environment: Environment): Terminal => ({
      environment,
      err: shell.err,
      print: shell.out,
      say(line) {
        if (!json) shell.out(line);
      },
      show(value, words) {
        shell.out(json ? JSON.stringify(value, null, 2) : [words].flat().join("\n"));
      },
      result(value) {
        if (json) shell.out(JSON.stringify(value, null, 2));
      },
      async confirm(what, word) {
        if (!yes) await confirmByTyping(what, word);
      },
    });
    try {
      const terminal = terminalOn(await choose(options, shell));
      if ((await work(terminal, ...(given as Args))) === false) throw new CheckFailed();
    } catch (error) {
      if (error instanceof UsageError) self.error(error.message, { exitCode: 2 });
      if (!(error instanceof CheckFailed)) shell.err(sentence(error));
      throw new CheckFailed();
    }
  });
}

const LOCAL_STAGE = "--local cannot be used with a stage: stages are deployments on AWS.";

/** The environment a command works on: the shell's, the local stack's or a deployed stage's. */
async function environmentOf(
  { local = false, stage, settings }: GlobalOptions,
  { environment: shell, stageEnvironment }: ProgramShell,
  secrets: readonly string[],
): Promise<Environment> {
  if (local && stage !== undefined) throw new UsageError(LOCAL_STAGE);
  if (local) return requireLocal(shell);
  if (stage === undefined) return shell;
  return stageEnvironment({ stage, settings }, shell, secrets);
}

async function requireLocal(environment: Environment): Promise<Environment> {
  const found = await localStack(environment);
  if (found) return found;
  throw new CommandError(
    `No local stack responds at ${localUrl(environment)}. Start one with \`npm start\`, or set PORT to its port.`,
  );
}

function sentence(error: unknown): string {
  if (error instanceof ConfigError && error.names.includes("MONGODB_URI"))
    return `${error.message} Pass --local to use the stack that \`npm start\` runs.`;
  if (error instanceof CommandError || error instanceof ConfigError) return error.message;
  return summarizeError(error);
}

/** Summarizes an error by its code and detail, without the message of a library, which could quote secrets. */
export function summarizeError(error: unknown): string {
  const { code, detail, cause } = toNestError(error);
  const more = detail ?? (error instanceof NestError || !(cause instanceof Error) ? undefined : cause.name);
  return more === undefined ? code : `${code} (${more})`;
}

const given = new WeakMap<Command, readonly string[]>();

/** Adds examples to a command's help and to its page in the docs. */
export function examples(command: Command, lines: readonly string[]): Command {
  given.set(command, lines);
  return command.addHelpText(
    "after",
    `\nExamples:\n${lines.map((line) => `  npm run nest -- ${line}`).join("\n")}`,
  );
}

/** The examples of a command. */
export function examplesOf(command: Command): readonly string[] {
  return given.get(command) ?? [];
}

/** Parses a time that an operator typed. @throws UsageError */
export function readTime(text: string): Date {
  const isTime = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/.test(text);
  const time = new Date(text);
  if (!isTime || Number.isNaN(time.getTime())) throw new UsageError("Write a time as 2026-01-31T12:00:00Z.");
  return time;
}
