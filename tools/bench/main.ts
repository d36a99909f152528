/**
 * Measures Nest's speed: `npm run bench`. Prints tables, and writes the figures and their charts to docs/bench.
 * `-- --only load,growth` measures only these sections, `--full` adds a million users, `--short` uses small sizes and
 * writes nothing, `--redraw` measures nothing and draws the charts of the stored figures, `--profile get_user` profiles the CPU
 * of one case.
 *
 * It asserts only that calls succeed and that queries use indexes, since times depend on the machine. Variants that are
 * compared run alternately, so that other load affects them equally. docs/performance.md describes the sections.
 */
import { parseArgs } from "node:util";
import { openBenchEnvironment } from "#tools/bench/environment.ts";
import type { Figures, Results, Section } from "#tools/bench/figures.ts";
import { currentMachine, describeMachine } from "#tools/bench/machine.ts";
import { installPeers } from "#tools/bench/peer_packages.ts";
import { profileCase } from "#tools/bench/profile_case.ts";
import { writeResults } from "#tools/bench/results.ts";
import { describeConsole, measureConsole } from "#tools/bench/sections/console.ts";
import { describeCrowd, measureCrowd } from "#tools/bench/sections/crowd.ts";
import { describeGrowth, leastUsers, measureGrowth } from "#tools/bench/sections/growth.ts";
import { describeLoad, measureLoad } from "#tools/bench/sections/load.ts";
import { describeMemory, measureMemory } from "#tools/bench/sections/memory.ts";
import { describeNetwork, measureNetwork } from "#tools/bench/sections/network.ts";
import { describePeers, measurePeers } from "#tools/bench/sections/peers.ts";
import { describeStorage, measureStorage } from "#tools/bench/sections/storage.ts";
import { describeThroughput, measureThroughput } from "#tools/bench/sections/throughput.ts";
import { FULL, NORMAL, SHORT } from "#tools/bench/sizes.ts";
import { type FigureTable, printFigures } from "#tools/bench/tables.ts";

const SECTIONS = [
  "load",
  "throughput",
  "crowd",
  "peers",
  "network",
  "growth",
  "memory",
  "storage",
  "console",
] as const satisfies Section[];

const { values } = parseArgs({
  options: {
    only: { type: "string", default: SECTIONS.join(",") },
    short: { type: "boolean", default: false },
    full: { type: "boolean", default: false },
    "no-write": { type: "boolean", default: false },
    redraw: { type: "boolean", default: false },
    profile: { type: "string" },
  },
});
if (values.redraw) {
  console.log(`Charts written to ${await writeResults({})}.`);
  process.exit();
}
const asked = values.only.split(",");
const unknown = asked.filter((name) => !SECTIONS.includes(name as Section));
if (unknown.length > 0) {
  console.error(`Unknown section: ${unknown.join(", ")}. The sections are ${SECTIONS.join(", ")}.`);
  process.exit(2);
}
const has = (section: Section) => asked.includes(section);
const sizes = values.short ? SHORT : values.full ? FULL : NORMAL;
const fewest = sizes.growth.users[0] ?? 0;
if (fewest < leastUsers(sizes.growth))
  throw new Error("The growth section needs more users for this many rounds: see tools/bench/sizes.ts.");

if (values.profile === undefined && (has("peers") || has("network"))) installPeers();
const bench = await openBenchEnvironment();
const machine = currentMachine(bench.database);
const results: Results = {};

/** Measures a section, and prints and keeps its figures. */
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

if (values.profile !== undefined) {
  for (const table of await profileCase(bench, values.profile)) printFigures(table);
  await bench.close();
  process.exit();
}
console.log(`Benchmark${values.short ? " with small sizes" : ""} on ${describeMachine(machine)}`);
try {
  await run("load", () => measureLoad(sizes.load), describeLoad);
  await run("throughput", () => measureThroughput(bench, sizes.throughput), describeThroughput);
  await run("crowd", () => measureCrowd(bench, sizes.crowd), describeCrowd);
  await run("peers", () => measurePeers(bench, sizes.peers), describePeers);
  await run("network", () => measureNetwork(bench, sizes.network), describeNetwork);
  await run("growth", () => measureGrowth(bench, sizes.growth), describeGrowth);
  await run("memory", () => measureMemory(bench, sizes.memory), describeMemory);
  await run("storage", () => measureStorage(bench, sizes.storage), describeStorage);
  await run("console", () => measureConsole(sizes.console), describeConsole);
} finally {
  await bench.close();
}
if (values.short || values["no-write"]) console.log("\nNothing was written.");
else
  console.log(
    `\nFigures written to ${await writeResults(results)}. Run \`npm run docs\` to update their page.`,
  );
const unindexed = results.growth?.figures.flatMap((row) => row.unindexed) ?? [];
if (unindexed.length > 0) {
  console.error(`Queries without an index: ${unindexed.join("; ")}`);
  process.exitCode = 1;
}
