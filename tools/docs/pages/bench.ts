import { describeMachine } from "#tools/bench/machine.ts";
import { readResults } from "#tools/bench/results.ts";
import { describeGrowth } from "#tools/bench/sections/growth.ts";
import { describeLoad } from "#tools/bench/sections/load.ts";
import { describeMemory } from "#tools/bench/sections/memory.ts";
import { describePeers } from "#tools/bench/sections/peers.ts";
import { describeStorage } from "#tools/bench/sections/storage.ts";
import { describeThroughput } from "#tools/bench/sections/throughput.ts";
import type { FigureTable } from "#tools/bench/tables.ts";

export const path = "docs/bench/figures.md";

/** The newest figures of `npm run bench`, from docs/bench/results.json. */
export async function render() {
  const { load, throughput, peers, growth, memory, storage } = await readResults();
  return [
    "# Figures",
    "The newest results of `npm run bench`, for developers who compare a change with them. " +
      "[Performance](../performance.md) explains what they mean and which targets are missed.",
    ...(load ? section("load", load, describeLoad(load.figures)) : []),
    ...(throughput ? section("throughput", throughput, describeThroughput(throughput.figures)) : []),
    ...(peers ? section("peers", peers, describePeers(peers.figures)) : []),
    ...(growth ? section("growth", growth, describeGrowth(growth.figures)) : []),
    ...(memory ? section("memory", memory, describeMemory(memory.figures)) : []),
    ...(storage ? section("storage", storage, describeStorage(storage.figures)) : []),
  ];
}

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
