import { describeMachine } from "#tools/bench/machine.ts";
import { peerVersion } from "#tools/bench/peer_packages.ts";
import { PEER_INDEXES, PEER_SETTINGS } from "#tools/bench/peer_settings.ts";
import { readResults } from "#tools/bench/results.ts";
import { describeConsole } from "#tools/bench/sections/console.ts";
import { describeCrowd } from "#tools/bench/sections/crowd.ts";
import { describeGrowth } from "#tools/bench/sections/growth.ts";
import { describeLoad } from "#tools/bench/sections/load.ts";
import { describeMemory } from "#tools/bench/sections/memory.ts";
import { describeNetwork } from "#tools/bench/sections/network.ts";
import { describePeers } from "#tools/bench/sections/peers.ts";
import { describeStorage } from "#tools/bench/sections/storage.ts";
import { describeThroughput } from "#tools/bench/sections/throughput.ts";
import type { FigureTable } from "#tools/bench/tables.ts";

export const path = "docs/bench/figures.md";

/** The newest figures of `npm run bench`, from docs/bench/results.json. */
export async function render() {
  const { load, throughput, crowd, peers, network, growth, memory, storage, ...others } = await readResults();
  return [
    "# Figures",
    "The newest results of `npm run bench`, for developers who compare a change with them. " +
      "[Performance](../performance.md) explains what they mean and which targets are missed.",
    ...(load ? section("load", load, describeLoad(load.figures)) : []),
    ...(throughput ? section("throughput", throughput, describeThroughput(throughput.figures)) : []),
    ...(crowd ? section("crowd", crowd, describeCrowd(crowd.figures)) : []),
    ...(peers ? section("peers", peers, describePeers(peers.figures)) : []),
    ...(network ? section("network", network, describeNetwork(network.figures)) : []),
    ...settingsOfPeer(),
    ...(growth ? section("growth", growth, describeGrowth(growth.figures)) : []),
    ...(memory ? section("memory", memory, describeMemory(memory.figures)) : []),
    ...(storage ? section("storage", storage, describeStorage(storage.figures)) : []),
    ...(others.console ? section("console", others.console, describeConsole(others.console.figures)) : []),
  ];
}

/** The options that better-auth runs with. */
function settingsOfPeer() {
  const indexes = Object.entries(PEER_INDEXES).map(([collection, all]) => {
    const keys = all.map(
      ({ key, ...options }) => `${Object.keys(key)}${"unique" in options ? " (unique)" : ""}`,
    );
    return `\`${collection}\`: ${keys.join(", ")}`;
  });
  return [
    "## Settings of better-auth",
    `better-auth ${peerVersion()} runs with these options, and with its defaults for all others. They are set in ` +
      "`tools/bench/peer_settings.ts`.",
    {
      head: ["Option", "Value", "Measured in", "Why"],
      rows: PEER_SETTINGS.map(({ part, option, value, only, why }) => [
        `\`${part}\`: \`${option}\``,
        `\`${JSON.stringify(value)}\``,
        only === undefined ? "All" : USES[only],
        why,
      ]),
    },
    `Its adapter creates no index in MongoDB, so the benchmark creates these: ${indexes.join("; ")}.`,
  ];
}

const USES = { "limits off": "Rows with the rate limit off", refresh: "The flow `refresh the session`" };

/** When and where a section was measured. */
type Measured = { ranAt: string; machine: Parameters<typeof describeMachine>[0] };

function section(
  chart: string,
  { ranAt, machine }: Measured,
  { title, explanation, rows, note }: FigureTable,
) {
  const [head = [], ...body] = rows.map((row) => row.map(String));
  return [
    `## ${title}`,
    explanation.replaceAll("\n", " "),
    `${ranAt.slice(0, 10)}, on ${describeMachine(machine)}`,
    `![${title}](${chart}.svg)`,
    { head, rows: body },
    ...(note ? [note] : []),
  ];
}
