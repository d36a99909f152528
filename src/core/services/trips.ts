import type { MongoClient } from "mongodb";

/**
 * How often a call waited for the database: the longest chain of commands of which each began after another had ended.
 * The driver tells of a connection's way out of the pool and back with every command, which costs nothing more. Exact
 * where one call runs at a time, as in Lambda, and the pool has the connections it needs: a command that first waits for
 * one to open counts as one that came later, so a cold call says more. Calls side by side share the count.
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

  /** A call begins. */
  begin(): void {
    this.#depths.clear();
    this.#count = 0;
  }

  /** Trips since the call began. */
  get count(): number {
    return this.#count;
  }
}
