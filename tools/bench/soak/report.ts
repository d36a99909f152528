import type { Count } from "#tools/bench/soak/audit.ts";
import type { Outage, Outages } from "#tools/bench/soak/faults.ts";
import type { SeenCall } from "#tools/bench/soak/ledger.ts";
import { quantile, round } from "#tools/bench/statistics.ts";
import { printHeading, printTable } from "#tools/bench/tables.ts";

/** Calls without a response, or with a server error. */
const isFailure = ({ status }: SeenCall) => status === null || status >= 500;

const answerOf = ({ status, code }: SeenCall) => (status === null ? "no response" : `${status} ${code}`);

export function printOutages(list: readonly Outage[]): void {
  printHeading("FAULTS", "Faults by dependency and kind, with their total duration.");
  const kinds = new Map<string, { times: number; ms: number }>();
  for (const { dependency, kind, fromMs, toMs } of list) {
    const seen = kinds.get(`${dependency}: ${kind}`) ?? { times: 0, ms: 0 };
    kinds.set(`${dependency}: ${kind}`, { times: seen.times + 1, ms: seen.ms + toMs - fromMs });
  }
  printTable([
    ["fault", "times", "seconds"],
    ...[...kinds].sort().map(([kind, { times, ms }]) => [kind, times, Math.round(ms / 1000)]),
  ]);
}

/** Errors and times, separately for calls that a fault may have affected. */
export function printCalls(
  calls: readonly SeenCall[],
  outages: Outages,
  { started, skipped }: { started: number; skipped: number },
): void {
  printHeading(
    "CALLS",
    `${started} operations started, ${skipped} skipped because too many were running. "failed" calls had no response within 5 s, or a
5xx. Calls "during faults" ran during a fault or within 6 s after it.`,
  );
  const row = (name: string, group: readonly SeenCall[]) => {
    const failed = group.filter(isFailure).length;
    const times = group.map(({ fromMs, toMs }) => toMs - fromMs);
    const share = group.length === 0 ? 0 : (100 * (group.length - failed)) / group.length;
    return [
      name,
      group.length,
      failed,
      round(share, 5),
      round(quantile(times, 0.5), 3),
      round(quantile(times, 0.99), 3),
    ];
  };
  const operations = [...new Set(calls.map(({ operation }) => operation))].sort();
  const groups = (isAffected: boolean) =>
    calls.filter(({ fromMs, toMs }) => outages.mayHaveAffected(fromMs, toMs) === isAffected);
  const [normal, affected] = [groups(false), groups(true)];
  const of = (group: readonly SeenCall[], name: string) =>
    group.filter(({ operation }) => operation === name);
  printTable([
    ["call", "made", "failed", "succeeded %", "p50 ms", "p99 ms"],
    row("all, without faults", normal),
    ...operations.map((name) => row(`  ${name}`, of(normal, name))),
    row("all, during faults", affected),
    ...operations.map((name) => row(`  ${name}`, of(affected, name))),
  ]);
  printFailures(normal.filter(isFailure), outages);
  const answers = new Map<string, number>();
  for (const call of calls.filter((seen) => seen.status === null || seen.status >= 400)) {
    const answer = answerOf(call);
    answers.set(answer, (answers.get(answer) ?? 0) + 1);
  }
  console.log(
    `\n  Error responses: ${[...answers].map(([answer, times]) => `${answer} ${times}`).join(", ") || "none"}`,
  );
}

/** Failures without a fault, and how soon after one: a backlog may remain from it. */
function printFailures(failed: readonly SeenCall[], outages: Outages): void {
  if (failed.length === 0) return;
  const groups = Map.groupBy(failed, (call) => `${call.operation}: ${answerOf(call)}`);
  const range = (values: number[]) =>
    `${round(Math.min(...values) / 1000, 2)} to ${round(Math.max(...values) / 1000, 2)}`;
  console.log("");
  printTable([
    ["failed without a fault", "times", "seconds after the last fault", "duration in seconds"],
    ...[...groups]
      .sort()
      .map(([name, group]) => [
        name,
        group.length,
        range(group.map(({ fromMs }) => outages.msSinceFault(fromMs))),
        range(group.map(({ fromMs, toMs }) => toMs - fromMs)),
      ]),
  ]);
}

export function printAudit(counts: readonly Count[]): void {
  printHeading(
    "AUDIT",
    "The responses to callers and Stripe, compared with the stored data. Nothing may be lost.",
  );
  printTable([
    ["comparison", "expected", "found", "lost", "notes"],
    ...counts.map(({ what, expected, found, lost, note }) => [what, expected, found, lost, note]),
  ]);
  const lost = counts.reduce((sum, count) => sum + count.lost, 0);
  console.log(lost === 0 ? "\n  Nothing was lost." : `\n  LOST: ${lost}`);
}

/** The audit as a table for docs/results.md. */
export function auditTable(counts: readonly Count[]) {
  return {
    head: ["Comparison", "Expected", "Found", "Lost", "Notes"],
    rows: counts.map(({ what, expected, found, lost, note }) => [
      what,
      ...[expected, found, lost].map(String),
      note,
    ]),
  };
}
