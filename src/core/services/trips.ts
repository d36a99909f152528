import type { MongoClient } from "mongodb";

/**
 * Counts a call's sequential database round trips: the longest chain of commands that each began after another ended.
 * It listens to the pool's check-out and check-in events, which the driver emits for every command anyway. The count is
 * exact while one call runs at a time, as in Lambda, and the pool has enough open connections. A command that waits for
 * a connection counts one more, so cold calls report more trips. Concurrent calls share the count.
 */
export class Trips {
  readonly #depths = new Map<string, number>();
  #count = 0;

  constructor(client: MongoClient) {
    const name = ({ address, connectionId }: { address: string; connectionId: number | "<monitor>" }) =>
      `${address} ${connectionId}`;
    client.on("connectionCheckedOut", (event) => this.#depths.set(name(event), this.#count + 1));
    client.on("connectionCheckedIn", (event) => {
      this.#count = Math.max(this.#count, this.#depths.get(name(event)) ?? 0);
      this.#depths.delete(name(event));
    });
  }

  /** Starts the count of a new call. */
  begin(): void {
    this.#depths.clear();
    this.#count = 0;
  }

  /** Sequential round trips since the call began. */
  get count(): number {
    return this.#count;
  }
}
