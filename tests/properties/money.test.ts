import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { billingHistories } from "#tests/properties/billing_history.ts";
import { type NestInstance, startInstances } from "#tests/properties/nest_instances.ts";
import { seedOf } from "#tests/support/seed.ts";
import { reportSuite, suiteOptions } from "#tests/support/suite_options.ts";

const RUNS = suiteOptions.runs ?? (suiteOptions.isFaultsRun ? 200 : 40);
/** Time limit of the search for a shorter history that fails too. */
const SHRINKING_MS = 240_000;
/** The mutation test switches shrinking off, because it only needs to know whether the test fails. */
const SHRINKS = process.env.FAULTS_SHRINK !== "no";
/** Histories that run concurrently, each with its own Nest, Stripe and clock. */
const INSTANCES = 6;
/** Each seed runs its own histories, so that its seed repeats a failure without the histories of other seeds. */
const HISTORIES_PER_SEED = 10;
const LIMIT_MS = 180_000 + SHRINKING_MS + RUNS * 2_000;

let instances: NestInstance[];
beforeAll(async () => {
  instances = await startInstances(INSTANCES);
});
afterAll(async () => {
  for (const { nest } of instances.toReversed()) await nest.stop();
});

test(
  "refunds, access, mails and the number of paid subscriptions follow contract 1.7 in random billing histories",
  async () => {
    const start = Date.now();
    const seeds = Array.from({ length: Math.ceil(RUNS / HISTORIES_PER_SEED) }, (_, index) => index);
    const first = seedOf("money");
    let ran = 0;
    const counts = new Map<string, number>();
    let failure: Error | undefined;
    const work = async ({ runHistory }: NestInstance) => {
      for (let index = seeds.shift(); index !== undefined && !failure; index = seeds.shift()) {
        const seed = first + index;
        const property = fc.asyncProperty(billingHistories, async (history) => {
          if (!failure) await runHistory(history, ++ran, counts);
        });
        const numRuns = Math.min(HISTORIES_PER_SEED, RUNS - index * HISTORIES_PER_SEED);
        const details = await fc.check(property, {
          seed,
          numRuns,
          unbiased: true,
          interruptAfterTimeLimit: SHRINKING_MS,
          endOnFailure: !SHRINKS,
        });
        if (details.failed) failure ??= failureOf(details.errorInstance, seed, ran);
      }
    };
    await Promise.all(instances.map(work));
    if (failure) throw failure;
    expect(ran).toBeGreaterThanOrEqual(RUNS);
    const seconds = Math.round((Date.now() - start) / 1000);
    const rows = [...counts].toSorted().map(([what, count]) => [what, String(count)]);
    await reportSuite({
      suite: "money",
      summary: `${RUNS} histories followed contract 1.7, in ${seconds} s from seed ${first}.`,
      table: { head: ["Check", "Count"], rows },
    });
  },
  LIMIT_MS,
);

/** @param ran the number of histories so far */
function failureOf(error: unknown, seed: number, ran: number): Error {
  const what = error instanceof Error ? error.message : String(error);
  const command = `npm run test:faults -- --suite money --runs ${HISTORIES_PER_SEED} --seed ${seed}`;
  return new Error(`History ${ran}: ${what}\n\nTo repeat it: ${command}`);
}
