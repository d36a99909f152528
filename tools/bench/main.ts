/**
 * Measures how fast Nest is: `npm run bench`. It prints tables, and writes the figures and their charts into docs/bench.
 * `-- --only load,growth` measures these sections only, `--full` a million users too, `--short` little, and writes nothing.
 *
 * Nothing is asserted here but that calls succeed and queries use indexes: a machine that is busy is slow. What is compared runs in
 * turns, so that ratios mean something even then. docs/performance.md says what the sections are.
 */
import { parseArgs } from "node:util";
import { openBenchEnvironment } from "#tools/bench/environment.ts";
import { currentMachine, describeMachine } from "#tools/bench/machine.ts";
import { installPeers } from "#tools/bench/peer_packages.ts";
import { type Figures, type Results, type Section, writeResults } from "#tools/bench/results.ts";
import { describeGrowth, leastUsers, measureGrowth } from "#tools/bench/sections/growth.ts";
import { describeLoad, measureLoad } from "#tools/bench/sections/load.ts";
import { describeMemory, measureMemory } from "#tools/bench/sections/memory.ts";
import { describePeers, measurePeers } from "#tools/bench/sections/peers.ts";
import { describeThroughput, measureThroughput } from "#tools/bench/sections/throughput.ts";
import { FULL, NORMAL, SHORT } from "#tools/bench/sizes.ts";
import { type FigureTable, printFigures } from "#tools/bench/tables.ts";

const SECTIONS = ["load", "throughput", "peers", "growth", "memory"] as const satisfies Section[];

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
const fewest = sizes.growth.users[0] ?? 0;
if (fewest < leastUsers(sizes.growth)) throw new Error("Too few users for so many rounds.");

if (has("peers")) installPeers();
const bench = await openBenchEnvironment();
const machine = currentMachine(bench.database);
const results: Results = {};

/** Runs a section, prints what it came to, and keeps it. */
async function run<Name extends Section>(
  section: Name,
  measure: () => Promise<Figures[Name]>,
  describe: (figures: Figures[Name]) => FigureTable,
): Promise<void> {
  if (!has(section)) return;
  const ranAt = new Date().toISOString();
  const figures = await measure();
  printFigures(describe(figures));
  Object.assign(results, { [section]: { ranAt, machine, figures } });
}

console.log(`Nest's bench${values.short ? ", short" : ""}, on ${describeMachine(machine)}`);
try {
  await run("load", () => measureLoad(sizes.load), describeLoad);
  await run("throughput", () => measureThroughput(bench, sizes.throughput), describeThroughput);
  await run("peers", () => measurePeers(bench, sizes.peers), describePeers);
  await run("growth", () => measureGrowth(bench, sizes.growth), describeGrowth);
  await run("memory", () => measureMemory(bench, sizes.memory), describeMemory);
} finally {
  await bench.close();
}
if (values.short || values["no-write"]) console.log("\nNothing was written.");
else
  console.log(
    `\nWritten to ${await writeResults(results)}. \`npm run docs\` puts the figures on their page.`,
  );
const unindexed = results.growth?.figures.flatMap((row) => row.unindexed) ?? [];
if (unindexed.length > 0) {
  console.error(`Queries without an index: ${unindexed.join("; ")}`);
  process.exitCode = 1;
}
