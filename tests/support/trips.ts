import type { CommandStartedEvent, Document, MongoClient } from "mongodb";

/** The database commands of some work. */
export interface Trips {
  /** Number of sequential round trips: the longest chain of commands that each started after another had ended. */
  sequential: number;
  commands: string[];
  /**
   * Each command with its number in that chain and the shape of its arguments, such as `1 find users {"filter":...}`.
   * Parallel commands have the same number and are sorted.
   */
  steps: string[];
}

/** Fields that the driver adds to every command. */
const OF_THE_DRIVER = ["lsid", "$db", "$clusterTime", "txnNumber", "maxTimeMS"];

/** Keys and types of a value, without its contents. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shapeOf);
  if (value === null || typeof value !== "object") return value === null ? "null" : typeof value;
  const kind = Object.getPrototypeOf(value)?.constructor?.name ?? "Object";
  if (kind !== "Object") return kind;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shapeOf(inner)]));
}

function stepOf(depth: number, { commandName, command }: CommandStartedEvent): string {
  const [[, collection] = [], ...rest] = Object.entries(command as Document);
  const own = Object.fromEntries(rest.filter(([key]) => !OF_THE_DRIVER.includes(key)));
  return `${String(depth).padStart(3)} ${commandName} ${collection} ${JSON.stringify(shapeOf(own))}`;
}

/** Counts the database's commands while `work` runs. The client must have been opened with command monitoring. */
export async function countTrips(client: MongoClient, work: () => Promise<unknown>): Promise<Trips> {
  let deepestEnded = 0;
  const depths = new Map<number, number>();
  const commands: string[] = [];
  const steps: string[] = [];
  const started = (event: CommandStartedEvent) => {
    depths.set(event.requestId, deepestEnded + 1);
    commands.push(event.commandName);
    steps.push(stepOf(deepestEnded + 1, event));
  };
  const ended = (event: { requestId: number }) => {
    deepestEnded = Math.max(deepestEnded, depths.get(event.requestId) ?? 0);
  };
  client.on("commandStarted", started).on("commandSucceeded", ended).on("commandFailed", ended);
  try {
    await work();
  } finally {
    client.off("commandStarted", started).off("commandSucceeded", ended).off("commandFailed", ended);
  }
  return { sequential: deepestEnded, commands, steps: steps.sort() };
}

/** Opens at least `count` connections. A command that has to open one starts late, which looks like another round trip. */
export async function warmConnections(client: MongoClient, count: number): Promise<void> {
  let ready = 0;
  const opened = () => ready++;
  client.on("connectionReady", opened);
  while (ready < count) {
    await Promise.all(
      Array.from({ length: 4 * count }, () =>
        client.db().collection<{ _id: string }>("users").findOne({ _id: "warm" }),
      ),
    );
  }
  client.off("connectionReady", opened);
}
