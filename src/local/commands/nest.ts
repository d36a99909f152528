/**
 * `npm run nest -- stripe <command>`: the operator's commands, run against the deployment that the environment or `.env`
 * names. Ends with status 0 if all is well, 1 if not, 2 if it was called wrongly. See docs/runbooks/stripe.md.
 */
import { ConfigError } from "#core/config.ts";
import { check } from "#local/commands/stripe/check.ts";
import { type Command, inWords, UsageError } from "#local/commands/stripe/command.ts";
import { reconcile } from "#local/commands/stripe/reconcile.ts";
import { replay } from "#local/commands/stripe/replay.ts";
import { setup } from "#local/commands/stripe/setup.ts";

const COMMANDS = new Map<string, Command>(Object.entries({ setup, check, replay, reconcile }));

function help(commands: Iterable<Command>): string {
  const ways = [...commands].flatMap(({ usage }) => Object.entries(usage));
  const lines = ways.map(([way, what]) => `  npm run nest -- stripe ${way}\n      ${what}`);
  return ["Usage:", ...lines].join("\n");
}

const isUsageError = (error: unknown) =>
  error instanceof UsageError ||
  (error instanceof TypeError && "code" in error && /^ERR_PARSE_ARGS/.test(String(error.code)));

const [area, name = "", ...args] = process.argv.slice(2);
const command = area === "stripe" ? COMMANDS.get(name) : undefined;
if (command) {
  try {
    if (!(await command.run(args, process.env))) process.exitCode = 1;
  } catch (error) {
    if (isUsageError(error)) console.error(`${(error as Error).message}\n${help([command])}`);
    else console.error(error instanceof ConfigError ? error.message : inWords(error));
    process.exitCode = isUsageError(error) ? 2 : 1;
  }
} else {
  console.error(help(COMMANDS.values()));
  process.exitCode = 2;
}
