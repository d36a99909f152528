/**
 * Measures how fast Nest is: `npm run bench`. It prints tables, and writes the figures and their charts into docs/bench.
 *
 * Nothing is asserted here but that calls succeed and queries use indexes: a machine that is busy is slow. What is compared runs in
 * turns, so that ratios mean something even then. docs/performance.md says what the sections are.
 */
import { parseArgs } from "node:util";
import { describeMachine, sayMachine } from "#bench/machine.ts";
import { installPeers } from "#bench/peer_packages.ts";
import { type Results, writeResults } from "#bench/results.ts";
import { leastPeople, measureGrowth, printGrowth } from "#bench/sections/growth.ts";
import { measureLoad, printLoad } from "#bench/sections/load.ts";
import { measureMemory, printMemory } from "#bench/sections/memory.ts";
import { measurePeers, printPeers } from "#bench/sections/peers.ts";
import { measureThroughput, printThroughput } from "#bench/sections/throughput.ts";
import { FULL, NORMAL, SHORT } from "#bench/sizes.ts";
import { openSurroundings } from "#bench/surroundings.ts";

const SECTIONS = ["load", "throughput", "peers", "growth", "memory"] as const;
type Section = (typeof SECTIONS)[number];

const { values } = parseArgs({
  options: {
    only: { type: "string", default: SECTIONS.join(",") },
    short: { type: "boolean", default: false },
    full: { type: "boolean", default: false },
    "no-write": { type: "boolean", default: false },
  },
});
const asked = values.only.split(",");
const unknown = asked.filter((name) => !SECTIONS.includes(name as Section));
if (unknown.length > 0) {
  console.error(`There is no section ${unknown.join(", ")}. There are ${SECTIONS.join(", ")}.`);
  process.exit(2);
}
const has = (section: Section) => asked.includes(section);
const sizes = values.short ? SHORT : values.full ? FULL : NORMAL;
const fewest = sizes.growth.people[0] ?? 0;
if (fewest < leastPeople(sizes.growth)) throw new Error("Too few people for so many rounds.");

if (has("peers")) installPeers();
const surroundings = await openSurroundings();
const results: Results = { ranAt: new Date().toISOString(), machine: describeMachine(surroundings.database) };
const measure: Record<Section, () => Promise<void>> = {
  async load() {
    results.load = await measureLoad(sizes.load);
    printLoad(results.load);
  },
  async throughput() {
    results.throughput = await measureThroughput(surroundings, sizes.throughput);
    printThroughput(results.throughput);
  },
  async peers() {
    results.peers = await measurePeers(surroundings, sizes.peers);
    printPeers(results.peers);
  },
  async growth() {
    results.growth = await measureGrowth(surroundings, sizes.growth);
    printGrowth(results.growth);
  },
  async memory() {
    results.memory = await measureMemory(surroundings, sizes.memory);
    printMemory(results.memory);
  },
};
console.log(`Nest's bench${values.short ? ", short" : ""}, on ${sayMachine(results.machine)}`);
try {
  for (const section of SECTIONS) if (has(section)) await measure[section]();
} finally {
  await surroundings.close();
}
// A part of the figures must not take the place of all of them.
const isWhole = SECTIONS.every(has) && !values.short && !values["no-write"];
console.log(
  isWhole
    ? `\nWritten to ${await writeResults(results)}`
    : "\nNothing was written: this was not the whole of it.",
);
const unindexed = results.growth?.flatMap((row) => row.unindexed) ?? [];
if (unindexed.length > 0) {
  console.error(`Queries without an index: ${unindexed.join("; ")}`);
  process.exitCode = 1;
}
