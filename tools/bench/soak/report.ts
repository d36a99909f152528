import type { Count } from "#tools/bench/soak/audit.ts";
import type { Outage, Outages } from "#tools/bench/soak/faults.ts";
import type { SeenCall } from "#tools/bench/soak/ledger.ts";
import { quantile, round } from "#tools/bench/statistics.ts";
import { printHeading, printTable } from "#tools/bench/tables.ts";

/** An answer that says what the caller did or has, and not that something is wrong on our side. */
const isFailure = ({ status }: SeenCall) => status === null || status >= 500;

const answerOf = ({ status, code }: SeenCall) => (status === null ? "no answer" : `${status} ${code}`);

export function printOutages(list: readonly Outage[]): void {
  printHeading("FAULTS", "What was out of order, how often and for how long in all.");
  const kinds = new Map<string, { times: number; ms: number }>();
  for (const { part, kind, fromMs, toMs } of list) {
    const seen = kinds.get(`${part}: ${kind}`) ?? { times: 0, ms: 0 };
    kinds.set(`${part}: ${kind}`, { times: seen.times + 1, ms: seen.ms + toMs - fromMs });
  }
  printTable([
    ["fault", "times", "seconds"],
    ...[...kinds].sort().map(([kind, { times, ms }]) => [kind, times, Math.round(ms / 1000)]),
  ]);
}

/** Errors and times, apart by whether a call may have met a fault. */
export function printCalls(
  calls: readonly SeenCall[],
  outages: Outages,
  { begun, leftOut }: { begun: number; leftOut: number },
): void {
  printHeading(
    "CALLS",
    `${begun} things were done, ${leftOut} left out because too much was under way. "failed" had no answer within 5 s, or one that blames
us; "met a fault" is whatever ran during one or within 6 s after it.`,
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
  const groups = (isTouched: boolean) =>
    calls.filter(({ fromMs, toMs }) => outages.touched(fromMs, toMs) === isTouched);
  const [well, touched] = [groups(false), groups(true)];
  const of = (group: readonly SeenCall[], name: string) =>
    group.filter(({ operation }) => operation === name);
  printTable([
    ["call", "made", "failed", "good %", "p50 ms", "p99 ms"],
    row("all, while all was well", well),
    ...operations.map((name) => row(`  ${name}`, of(well, name))),
    row("all that met a fault", touched),
    ...operations.map((name) => row(`  ${name}`, of(touched, name))),
  ]);
  printFailures(well.filter(isFailure), outages);
  const answers = new Map<string, number>();
  for (const call of calls.filter((seen) => seen.status === null || seen.status >= 400)) {
    const answer = answerOf(call);
    answers.set(answer, (answers.get(answer) ?? 0) + 1);
  }
  console.log(
    `\n  Other answers: ${[...answers].map(([answer, times]) => `${answer} ${times}`).join(", ") || "none"}`,
  );
}

/** What failed though all was well, and how soon after a fault: what piled up then is still being worked off. */
function printFailures(failed: readonly SeenCall[], outages: Outages): void {
  if (failed.length === 0) return;
  const groups = Map.groupBy(failed, (call) => `${call.operation}: ${answerOf(call)}`);
  const range = (values: number[]) =>
    `${round(Math.min(...values) / 1000, 2)} to ${round(Math.max(...values) / 1000, 2)}`;
  console.log("");
  printTable([
    ["failed while all was well", "times", "s after the last fault", "s it took"],
    ...[...groups]
      .sort()
      .map(([name, group]) => [
        name,
        group.length,
        range(group.map(({ fromMs }) => outages.wellFor(fromMs))),
        range(group.map(({ fromMs, toMs }) => toMs - fromMs)),
      ]),
  ]);
}

export function printAudit(counts: readonly Count[]): void {
  printHeading("COUNTS", "What callers and Stripe were told, against what is there. Nothing may be lost.");
  printTable([
    ["what", "told", "there", "lost", ""],
    ...counts.map(({ what, expected, found, lost, note }) => [what, expected, found, lost, note]),
  ]);
  const lost = counts.reduce((sum, count) => sum + count.lost, 0);
  console.log(lost === 0 ? "\n  Nothing was lost." : `\n  LOST: ${lost}`);
}
