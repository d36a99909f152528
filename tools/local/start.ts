/**
 * `npm start`: Nest on this machine, until Ctrl-C.
 *
 * PORT (default 3000) is the one fixed port; `--fresh` empties what earlier runs kept. With STRIPE_SECRET_KEY, the test mode of
 * that account takes the place of our Stripe double.
 */
import { parseArgs } from "node:util";
import { type LocalStack, startLocalStack } from "#tools/local/stack.ts";

const say = (line: string) => console.log(line);
let stack: LocalStack | null = null;
let isStopping = false;

function readPort(): number {
  const port = Number(process.env.PORT || 3000);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error("PORT is not a port number.");
  return port;
}

async function stop(status: number): Promise<never> {
  try {
    await stack?.close();
  } catch (error) {
    console.error(`Not everything could be stopped: ${(error as Error).message}`);
    process.exit(1);
  }
  process.exit(status);
}

// From the first moment on, and for good: npm passes a terminal's Ctrl-C on, so that it arrives twice.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    if (isStopping) return;
    isStopping = true;
    if (stack) void stop(0);
    else say("Stopping as soon as it has started.");
  });
}

try {
  const { values } = parseArgs({ options: { fresh: { type: "boolean", default: false } } });
  const port = readPort();
  stack = await startLocalStack({ port, isThrowAway: false, isFresh: values.fresh, say, write: say });
  if (isStopping) await stop(0);
  say(`Database: ${stack.database.engine} ${stack.database.version} (${stack.database.how})`);
  say(`Stripe: ${stack.stripe}`);
  say(
    `\n  Nest is at ${stack.url}\n  Open it to sign in; /docs there is the API reference. Mail stays on this machine. Ctrl-C stops everything.\n`,
  );
  void stack.broke.then(async (sentence) => {
    if (isStopping) return;
    isStopping = true;
    console.error(`${sentence} Everything else is stopped too.`);
    await stop(1);
  });
} catch (error) {
  // Ctrl-C reaches the children too, and a start that fails of it has done what it was asked.
  if (isStopping) process.exit(0);
  const { code, message } = error as NodeJS.ErrnoException;
  const isTaken = code === "EADDRINUSE";
  console.error(
    isTaken ? `Port ${process.env.PORT || 3000} is taken. Choose another: PORT=3001 npm start` : message,
  );
  process.exit(1);
}
