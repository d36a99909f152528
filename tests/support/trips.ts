import type { CommandStartedEvent, MongoClient } from "mongodb";

/** What a piece of work asked of the database. */
export interface Trips {
  /** Longest chain of commands of which each began after another had ended. */
  sequential: number;
  commands: string[];
}

/** Counts the database's commands while `work` runs. The client must have been opened with command monitoring. */
export async function countTrips(client: MongoClient, work: () => Promise<unknown>): Promise<Trips> {
  let deepestEnded = 0;
  const depths = new Map<number, number>();
  const commands: string[] = [];
  const started = (event: CommandStartedEvent) => {
    depths.set(event.requestId, deepestEnded + 1);
    commands.push(event.commandName);
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
  return { sequential: deepestEnded, commands };
}

/** Opens at least so many connections: a command that first has to open one begins late, as if it had waited for others. */
export async function warmConnections(client: MongoClient, count: number): Promise<void> {
  let ready = 0;
  const opened = () => ready++;
  client.on("connectionReady", opened);
  while (ready < count) {
    await Promise.all(
      Array.from({ length: 4 * count }, () =>
        client
          .db()
          .collection("users")
          .findOne({ _id: "warm" as never }),
      ),
    );
  }
  client.off("connectionReady", opened);
}
