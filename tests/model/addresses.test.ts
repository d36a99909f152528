import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AddressHistory, type Command, commands } from "#tests/model/addresses/history.ts";
import { tickingClock } from "#tests/model/addresses/system.ts";
import { startNest, type TestNest } from "#tests/support/nest.ts";
import { createScheduler } from "#tests/support/scheduler.ts";
import { seedOf } from "#tests/support/seed.ts";
import { reportSuite, suiteOptions } from "#tests/support/suite_options.ts";

const SECONDS = suiteOptions.seconds ?? (suiteOptions.isWhole ? 120 : 5);
/** Shrinking a failure runs many more histories. */
const SHRINKING_SECONDS = 300;
const HISTORIES_PER_SEED = 4;

let nest: TestNest;
const scheduler = createScheduler();
beforeAll(async () => {
  nest = await startNest({
    clock: tickingClock(),
    guard: scheduler.intercept,
    environment: {
      LIMIT_LINKS_PER_ADDRESS_AND_NETWORK: "0",
      LIMIT_LINKS_PER_NETWORK: "0",
      LIMIT_REGISTRATIONS_PER_NETWORK: "0",
      LIMIT_FAILURES_PER_NETWORK: "0",
      LIMIT_VERIFICATION_FAILURES_PER_NETWORK: "0",
      LIMIT_CODE_FAILURES_PER_IDENTIFIER_AND_NETWORK: "0",
      LIMIT_PASSWORD_FAILURES_PER_IDENTIFIER_AND_NETWORK: "0",
      LIMIT_PASSWORD_FAILURES_PER_NETWORK: "0",
      LIMIT_MAILS_PER_HOUR: "0",
    },
  });
});
afterAll(() => nest.stop());

let played = 0;
const answers = new Map<string, number>();

async function play(history: readonly Command[]): Promise<void> {
  nest.ses.clear();
  const played = new AddressHistory(nest, scheduler, `person-${nextNumber()}@example.com`);
  await played.run(history);
  for (const line of played.answers) answers.set(line, (answers.get(line) ?? 0) + 1);
}

const nextNumber = () => ++played;

test(
  "who owns an address, and whose sessions and passwords are accepted, agrees with the model in random histories of owner and stranger",
  async () => {
    const stop = Date.now() + SECONDS * 1000;
    let seed = seedOf("addresses");
    do {
      const details = await fc.check(fc.asyncProperty(commands, play), {
        seed,
        numRuns: HISTORIES_PER_SEED,
        // Long histories from the first run on.
        unbiased: true,
        interruptAfterTimeLimit: SHRINKING_SECONDS * 1000,
      });
      if (details.failed) throw new Error(report(details));
      seed++;
    } while (Date.now() < stop);
    const seen = [...answers].sort(([, one], [, other]) => other - one);
    await reportSuite({
      suite: "addresses",
      summary: `${played} histories of an address, its owner and a stranger agreed with the model.`,
      table: { head: ["Response", "Count"], rows: seen.map(([answer, count]) => [answer, String(count)]) },
    });
    expect(played).toBeGreaterThan(0);
  },
  (SECONDS + SHRINKING_SECONDS) * 1000,
);

type Failure = Pick<fc.RunDetails<unknown>, "errorInstance" | "seed" | "numShrinks">;

/** The broken promise with the shortest history that breaks it, and how to repeat it. */
function report({ errorInstance, seed, numShrinks }: Failure): string {
  const what = errorInstance instanceof Error ? errorInstance.message : String(errorInstance);
  const command = `npm run test:faults -- --suite model --seed ${seed}`;
  return `${what}\n\nShrunk ${numShrinks} times. To repeat it: ${command}`;
}
