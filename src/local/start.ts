/**
 * `npm start`: Nest on this machine, until Ctrl-C.
 *
 * PORT (default 3000) is the one fixed port; `--fresh` empties what earlier runs kept.
 */
import { parseArgs } from "node:util";
import { startLocalStack } from "#local/stack.ts";

const say = (line: string) => console.log(line);

function readPort(): number {
  const port = Number(process.env.PORT || 3000);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error("PORT is not a port number.");
  return port;
}

try {
  const { values } = parseArgs({ options: { fresh: { type: "boolean", default: false } } });
  const port = readPort();
  const stack = await startLocalStack({ port, isThrowAway: false, isFresh: values.fresh, say, write: say });
  say(`Database: ${stack.database.engine} ${stack.database.version} (${stack.database.how})`);
  say(
    `\n  Nest is at ${stack.url}\n  Open it to sign in. Mail stays on this machine. Ctrl-C stops everything.\n`,
  );
  const stop = async (status: number) => {
    await stack.close();
    process.exit(status);
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => void stop(0));
  void stack.broke.then(async (sentence) => {
    console.error(`${sentence} Everything else is stopped too.`);
    await stop(1);
  });
} catch (error) {
  const { code, message } = error as NodeJS.ErrnoException;
  const isTaken = code === "EADDRINUSE";
  console.error(
    isTaken ? `Port ${process.env.PORT || 3000} is taken. Choose another: PORT=3001 npm start` : message,
  );
  process.exit(1);
}
