import { readRecord } from "#tools/machine/run_records.ts";

export const path = "docs/results.md";

/** Sections of the page: record, title and the command that makes the record. */
const SECTIONS = [
  ["faults", "Fault injection", "npm run test:faults -- --suite faults --all --record"],
  ["killed_database", "Killed database", "npm run test:faults -- --suite faults --all --record"],
  ["model", "Model-based histories", "npm run test:faults -- --suite model --all --record"],
  ["addresses", "Histories of an address", "npm run test:faults -- --suite model --all --record"],
  ["ways_in", "Histories of several users", "npm run test:faults -- --suite model --all --record"],
  ["chaos", "Stripe events in random order", "npm run test:faults -- --suite chaos --all --record"],
  ["trial_chaos", "Concurrent trial requests", "npm run test:faults -- --suite chaos --all --record"],
  ["deliveries", "Webhook deliveries", "npm run test:faults -- --suite deliveries --all --record"],
  ["attacks", "Attacks", "npm run test:attacks -- --record"],
  ["attack_timing", "Response times an attacker can compare", "npm run test:attacks -- --timing --record"],
  ["soak", "Soak test", "npm run soak -- --record"],
  ["site", "Documentation site", "npm run docs:audit -- --record"],
] as const;

/** The newest recorded results of the long test runs, from docs/results/. */
export async function render() {
  const sections = await Promise.all(
    SECTIONS.map(async ([name, title, command]) => {
      const record = await readRecord(name);
      if (record === null) return [];
      const { ranOn, machine, summary, table } = record;
      return [
        `## ${title}`,
        `${ranOn}, on ${machine}. Command: \`${command}\``,
        summary,
        ...(table ? [table] : []),
      ];
    }),
  );
  return [
    "# Results",
    "The newest recorded results of the long test runs, for everyone who evaluates Nest's reliability, security and documentation. " +
      "[Faults](faults.md) explains the faults, [threats](security/threats.md) the attacks. The results of the " +
      "benchmark are in its [figures](bench/figures.md). Each section is a measurement of its date: later changes of the " +
      "code are not in it.",
    ...sections.flat(),
  ];
}
