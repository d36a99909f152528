/**
 * `npm start`: runs Nest on this machine until Ctrl-C, or until the program that started it ends.
 *
 * PORT (default 3000) is the port of the page and the API. `--fresh` deletes the data of earlier runs. With
 * STRIPE_SECRET_KEY, the stack uses the test mode of that Stripe account instead of the double.
 */
import { parseArgs } from "node:util";
import app from "#app";
import { appFolder } from "#app/load_app.ts";
import { type LocalStack, startLocalStack } from "#tools/local/stack.ts";
import { createTerminalOutput } from "#tools/terminal/progress.ts";

const PARENT_CHECK_MS = 500;

// A terminal without a width can't show a spinner, which is drawn on stderr.
const isTerminal = process.stdout.isTTY && (process.stderr.columns ?? 0) > 0;
const output = createTerminalOutput({ isTerminal });
const { say } = output;
let stack: LocalStack | null = null;
let isStopping = false;

function readPort(): number {
  const port = Number(process.env.PORT || 3000);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new Error(`PORT is "${process.env.PORT}", which is not a port number. Use 0 to 65535.`);
  return port;
}

async function stop(status: number): Promise<never> {
  try {
    await stack?.close();
  } catch (error) {
    console.error(`Some parts could not be stopped: ${(error as Error).message}`);
    process.exit(1);
  }
  process.exit(status);
}

function requestStop(): void {
  if (isStopping) return;
  isStopping = true;
  if (stack) void stop(0);
  else say("Stopping once the start has finished.");
}

// Registered before the start and never removed: npm forwards Ctrl-C, so each signal may arrive twice.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, requestStop);

// A killed npm forwards no signal. `exec` in package.json makes npm the parent of this process instead of a shell.
const parent = process.ppid;
setInterval(() => process.ppid !== parent && requestStop(), PARENT_CHECK_MS).unref();
// The program that reads the output has ended.
for (const stream of [process.stdout, process.stderr]) stream.on("error", requestStop);

try {
  const { values } = parseArgs({ options: { fresh: { type: "boolean", default: false } } });
  const port = readPort();
  stack = await startLocalStack({ port, isThrowAway: false, isFresh: values.fresh, ...output });
  if (isStopping) await stop(0);
  say(`App: ${app.name} (${appFolder})`);
  say(`Database: ${stack.database.engine} ${stack.database.version} (${stack.database.how})`);
  say(`Stripe: ${stack.stripe}`);
  for (const line of stack.settings) say(line);
  say(
    `\n  Nest is at ${stack.url}\n  API reference: ${stack.url}/docs\n  Admin console: ${stack.url}/console\n  Emails stay on this machine. Press Ctrl-C to stop.\n`,
  );
  void stack.broke.then(async (reason) => {
    if (isStopping) return;
    isStopping = true;
    console.error(`${reason} The rest of the stack is stopped too. Run npm start again.`);
    await stop(1);
  });
} catch (error) {
  // Ctrl-C also reaches the child processes. A start that fails because of it is not an error.
  if (isStopping) process.exit(0);
  const { code, message } = error as NodeJS.ErrnoException;
  const isTaken = code === "EADDRINUSE";
  console.error(
    isTaken
      ? `Port ${process.env.PORT || 3000} is in use by another program. Choose another port: PORT=3001 npm start`
      : message,
  );
  process.exit(1);
}
