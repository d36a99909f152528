/**
 * `npm run nest -- <area> <command>`: what an operator does, on the deployment that the environment or `.env` names. Ends
 * with status 0 if all is well, 1 if something is not, 2 if it was called wrongly. See docs/cli.md.
 */
import { existsSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { clientCommands } from "#tools/operator/clients.ts";
import { configCommands } from "#tools/operator/config/commands.ts";
import { consentCommands } from "#tools/operator/consent.ts";
import { databaseCommands } from "#tools/operator/db.ts";
import { keyCommands } from "#tools/operator/keys.ts";
import { mailCommands } from "#tools/operator/mail.ts";
import { newsCommands } from "#tools/operator/news.ts";
import { sessionCommands } from "#tools/operator/sessions.ts";
import { stripeCommands } from "#tools/operator/stripe/commands.ts";
import { tokenCommands } from "#tools/operator/tokens.ts";
import { trialCommands } from "#tools/operator/trials.ts";
import { userCommands } from "#tools/operator/users.ts";
import { setWorld, type World } from "#tools/terminal/command.ts";
import { CheckFailed } from "#tools/terminal/errors.ts";

const ENDINGS = { well: 0, notWell: 1, calledWrongly: 2 };

/** The whole program; nothing of it runs until it is given arguments. */
export function nestProgram(): Command {
  const program = new Command("nest")
    .usage("<area> <command> [options]")
    .description(
      "Looks after a Nest deployment: its people, their sessions, trials and money, its keys and its database.",
    )
    .option("--json", "print one JSON document instead of words")
    .option("--yes", "don't ask before something that can't be undone")
    .option("--local", "on the local stack that `npm start` runs, whatever the environment says")
    .option(
      "--stage <stage>",
      "on a deployed stage: its settings, and its secrets from SSM; needs AWS credentials",
    )
    .option("--settings <path>", "another stage file than the one in deploy/stages")
    .configureHelp({ showGlobalOptions: true });
  const areas = [
    userCommands,
    sessionCommands,
    tokenCommands,
    trialCommands,
    consentCommands,
    mailCommands,
    newsCommands,
    stripeCommands,
    configCommands,
    keyCommands,
    databaseCommands,
    clientCommands,
  ];
  for (const add of areas) add(program);
  return program;
}

/**
 * Runs one call of the program.
 * @returns the status to end with
 */
export async function runNest(args: readonly string[], world: World): Promise<number> {
  const program = nestProgram();
  setWorld(program, {
    ...world,
    stageEnvironment: async (options, shell) =>
      (await import("#tools/stage/stage_environment.ts")).stageEnvironment(options, shell),
  });
  const lines = (text: string) => text.trimEnd();
  for (const command of withInner(program)) {
    command
      .exitOverride()
      .showHelpAfterError("Add --help to see how it is called.")
      .configureOutput({
        writeOut: (text) => world.out(lines(text)),
        writeErr: (text) => world.err(lines(text)),
      });
  }
  try {
    await program.parseAsync(args, { from: "user" });
    return ENDINGS.well;
  } catch (error) {
    if (error instanceof CheckFailed) return ENDINGS.notWell;
    // What commander throws was said already; asking for help is no mistake.
    if (error instanceof CommanderError) return error.exitCode === 0 ? ENDINGS.well : ENDINGS.calledWrongly;
    throw error;
  }
}

function withInner(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withInner)];
}

if (import.meta.main) {
  // What the environment has goes before the file.
  if (existsSync(".env")) process.loadEnvFile(".env");
  process.exitCode = await runNest(process.argv.slice(2), {
    environment: process.env,
    out: console.log,
    err: console.error,
  });
}
