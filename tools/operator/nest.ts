/**
 * `npm run nest -- <area> <command>`: the operator's program. It works on the deployment that the environment or `.env`
 * configures. Exit status: 0 success, 1 failure or failed check, 2 wrong usage. See docs/cli.md.
 */
import { existsSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { VERSION } from "#tools/machine/version.ts";
import { accountCommands } from "#tools/operator/accounts.ts";
import { appCommands } from "#tools/operator/app/commands.ts";
import { auditCommands } from "#tools/operator/audit.ts";
import { clientCommands } from "#tools/operator/clients.ts";
import { configCommands } from "#tools/operator/config/commands.ts";
import { consentCommands } from "#tools/operator/consent.ts";
import { databaseCommands } from "#tools/operator/db.ts";
import { deployCommands } from "#tools/operator/deploy.ts";
import { keyCommands } from "#tools/operator/keys.ts";
import { linkCommands } from "#tools/operator/links.ts";
import { mailCommands } from "#tools/operator/mail.ts";
import { newsCommands } from "#tools/operator/news.ts";
import { sessionCommands } from "#tools/operator/sessions.ts";
import { smsCommands } from "#tools/operator/sms.ts";
import { stripeCommands } from "#tools/operator/stripe/commands.ts";
import { tokenCommands } from "#tools/operator/tokens.ts";
import { trialCommands } from "#tools/operator/trials.ts";
import { userCommands } from "#tools/operator/users.ts";
import { webhookCommands } from "#tools/operator/webhooks.ts";
import { type Shell, setShell } from "#tools/terminal/command.ts";
import { CheckFailed } from "#tools/terminal/errors.ts";

const EXIT_STATUS = { success: 0, failure: 1, usage: 2 };

/** Builds the program with all its commands. */
export function nestProgram(): Command {
  const program = new Command("nest")
    .usage("<area> <command> [options]")
    .description(
      "Operates a Nest deployment: users, sessions, trials, billing, keys, configuration and database.",
    )
    .version(VERSION, "--version", "print the version of Nest")
    .option("--json", "print one JSON document instead of text")
    .option("--yes", "make irreversible changes without confirmation")
    .option("--local", "use the local stack that `npm start` runs, whatever the environment says")
    .option(
      "--stage <stage>",
      "use a deployed stage, with its settings and its secrets from SSM; requires AWS credentials",
    )
    .option("--settings <path>", "a stage file other than the one of the app")
    .configureHelp({ showGlobalOptions: true });
  const areas = [
    userCommands,
    accountCommands,
    sessionCommands,
    tokenCommands,
    trialCommands,
    consentCommands,
    auditCommands,
    webhookCommands,
    linkCommands,
    mailCommands,
    smsCommands,
    newsCommands,
    stripeCommands,
    configCommands,
    keyCommands,
    databaseCommands,
    deployCommands,
    clientCommands,
    appCommands,
  ];
  for (const add of areas) add(program);
  return program;
}

/**
 * Runs the program once.
 * @returns the exit status
 */
export async function runNest(args: readonly string[], shell: Shell): Promise<number> {
  const program = nestProgram();
  setShell(program, {
    ...shell,
    stageEnvironment: async (...stage) =>
      (await import("#tools/stage/stage_environment.ts")).stageEnvironment(...stage),
  });
  const lines = (text: string) => text.trimEnd();
  for (const command of withInner(program)) {
    command
      .exitOverride()
      .showHelpAfterError("Add --help for usage.")
      .configureOutput({
        writeOut: (text) => shell.out(lines(text)),
        writeErr: (text) => shell.err(lines(text)),
      });
  }
  try {
    await program.parseAsync(args, { from: "user" });
    return EXIT_STATUS.success;
  } catch (error) {
    if (error instanceof CheckFailed) return EXIT_STATUS.failure;
    // commander has already printed its error; --help is not an error.
    if (error instanceof CommanderError)
      return error.exitCode === 0 ? EXIT_STATUS.success : EXIT_STATUS.usage;
    throw error;
  }
}

function withInner(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withInner)];
}

if (import.meta.main) {
  // Variables of the environment take precedence over the file.
  if (existsSync(".env")) process.loadEnvFile(".env");
  process.exitCode = await runNest(process.argv.slice(2), {
    environment: process.env,
    out: console.log,
    err: console.error,
  });
}
