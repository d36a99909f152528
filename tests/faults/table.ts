import type { Dependency } from "#tests/faults/proxied_nest.ts";
import type { Fault, Outcome } from "#tests/faults/run.ts";
import type { Scenario } from "#tests/faults/scenario.ts";
import { nameOf } from "#tests/faults/scenarios.ts";
import { FAULT_KINDS, type FaultKind, MISSING } from "#tools/machine/fault_proxy.ts";

type Seen = readonly [{ scenario: Scenario; fault: Fault }, Outcome];

/** A row per call and dependency, a column per kind of fault: each first response with its count and the most retries. */
export function tableOf(outcomes: readonly Seen[]): { head: string[]; rows: string[][] } {
  const kinds = [...Object.keys(FAULT_KINDS), MISSING] as FaultKind[];
  const rows = new Map<string, { name: string; dependency: Dependency; seen: Seen[] }>();
  for (const each of outcomes) {
    const [{ scenario, fault }] = each;
    const key = `${nameOf(scenario)} ${fault.dependency}`;
    const row = rows.get(key) ?? { name: nameOf(scenario), dependency: fault.dependency, seen: [] };
    row.seen.push(each);
    rows.set(key, row);
  }
  const sorted = [...rows.values()]
    .sort((one, other) => `${one.name} ${one.dependency}`.localeCompare(`${other.name} ${other.dependency}`))
    .map(({ name, dependency, seen }) => [
      name,
      dependency,
      ...kinds.map((kind) =>
        cell(seen.filter(([{ fault }]) => fault.kind === kind).map(([, outcome]) => outcome)),
      ),
    ]);
  return { head: ["Call", "Dependency", ...kinds], rows: sorted };
}

/** Such as `200 ×3, 503 unavailable ×5 (1 retry)`. */
function cell(outcomes: readonly Outcome[]): string {
  const answers = new Map<string, Outcome[]>();
  for (const outcome of outcomes)
    answers.set(outcome.answer, [...(answers.get(outcome.answer) ?? []), outcome]);
  return [...answers]
    .sort(([one], [other]) => one.localeCompare(other))
    .map(([answer, all]) => {
      const most = Math.max(...all.map(({ retries }) => retries));
      const again = most === 0 ? "" : ` (${most} ${most === 1 ? "retry" : "retries"})`;
      return `${answer} ×${all.length}${again}`;
    })
    .join(", ");
}
