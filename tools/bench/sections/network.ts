import { openMongo } from "#core/services/mongo.ts";
import { startDelayProxy } from "#tools/bench/delay_proxy.ts";
import type { BenchEnvironment } from "#tools/bench/environment.ts";
import { numbers } from "#tools/bench/fill_database.ts";
import { peerVersion } from "#tools/bench/peer_packages.ts";
import { measurePairs, type PairOptions } from "#tools/bench/peer_pairs.ts";
import { ratioAtHighLatency } from "#tools/bench/peer_targets.ts";
import { PAIR_HEADING, type PeersResult, pairColumns } from "#tools/bench/sections/peers.ts";
import { median, round } from "#tools/bench/statistics.ts";
import type { FigureTable } from "#tools/bench/tables.ts";
import { serverOf, throughProxy, withDatabase } from "#tools/local/database/uri.ts";

export interface NetworkOptions extends PairOptions {
  /** Milliseconds of round trip to add between the functions and the database. */
  addedMs: readonly number[];
}

export interface NetworkResult extends PeersResult {
  /** The median milliseconds of a `ping`, by the added round trip; 0: without the proxy. */
  pingMs: Record<number, number>;
}

/** Times the flows that Nest and better-auth share, with network latency between the functions and the database. */
export async function measureNetwork(
  bench: BenchEnvironment,
  options: NetworkOptions,
): Promise<NetworkResult> {
  const proxy = await startDelayProxy(serverOf(bench.database.uri));
  try {
    const direct = withDatabase(bench.database.uri, "admin");
    const pingMs: NetworkResult["pingMs"] = { 0: await measurePing(direct) };
    for (const addedMs of options.addedMs) {
      proxy.delayMs = addedMs;
      pingMs[addedMs] = await measurePing(throughProxy(direct, proxy.port));
    }
    proxy.delayMs = 0;
    const rows = await measurePairs(bench, options, { proxy, addedMs: options.addedMs });
    return { version: peerVersion(), pingMs, rows };
  } finally {
    await proxy.close();
  }
}

const PINGS = 50;

/** The median round trip of a command that does nothing. */
async function measurePing(uri: string): Promise<number> {
  const { client, database } = openMongo(uri);
  try {
    await database.command({ ping: 1 });
    const times: number[] = [];
    for (const _ping of numbers(PINGS)) {
      const startedAt = performance.now();
      await database.command({ ping: 1 });
      times.push(performance.now() - startedAt);
    }
    return round(median(times), 3);
  } finally {
    await client.close();
  }
}

export function describeNetwork({ version, pingMs, rows }: NetworkResult): FigureTable {
  const pings = Object.entries(pingMs).map(([added, ms]) =>
    added === "0" ? `${ms} ms without the proxy` : `${ms} ms with ${added} ms added`,
  );
  return {
    title: "Network latency to the database",
    explanation: `The same flows of Nest and better-auth ${version}, with a proxy in front of the database that delays each response, as a
network between function and database does. One call at a time, as in a Lambda instance. "commands / trips" is better-auth's
commands divided by Nest's round trips. "times" approaches it as the latency grows, because better-auth sends its commands one
after another.`,
    rows: [
      ["flow", "added ms", "concurrent", ...PAIR_HEADING, "commands / trips"],
      ...rows.map((row) => [
        row.flow,
        row.addedMs,
        row.inFlight,
        ...pairColumns(row),
        ratioAtHighLatency(row),
      ]),
    ],
    note: `The median \`ping\` of the database took ${pings.join(", ")}.`,
  };
}
