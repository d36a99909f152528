/**
 * `npm start`: Nest on this machine, until Ctrl-C.
 *
 * PORT (default 3000) is the one fixed port; `--fresh` empties what earlier runs kept.
 */
import { parseArgs } from "node:util";
import { startLocalStack } from "#local/stack.ts";

const { values } = parseArgs({ options: { fresh: { type: "boolean", default: false } } });
const port = Number(process.env.PORT ?? 3000);
const say = (line: string) => console.log(line);

try {
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
} catch (error) {
  const isTaken = (error as NodeJS.ErrnoException).code === "EADDRINUSE";
  console.error(
    isTaken ? `Port ${port} is taken. Choose another: PORT=3001 npm start` : (error as Error).message,
  );
  process.exit(1);
}
