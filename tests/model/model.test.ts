import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { audit } from "#tests/model/audit.ts";
import { histories, type Model, TooSlow } from "#tests/model/commands.ts";
import { emptyState, LINKS_LIMIT } from "#tests/model/state.ts";
import { SystemUnderTest, standingClock } from "#tests/model/system.ts";
import { startNest, type TestNest } from "#tests/support/nest.ts";
import { createScheduler } from "#tests/support/scheduler.ts";
import { seedOf } from "#tests/support/seed.ts";
import { reportSuite, suiteOptions } from "#tests/support/suite_options.ts";

const SECONDS = suiteOptions.seconds ?? (suiteOptions.isWhole ? 120 : 5);
/** Shrinking a failure runs many more histories. */
const SHRINKING_SECONDS = 300;
const HISTORIES_PER_SEED = 2;
type Failure = Pick<fc.RunDetails<[Iterable<unknown>]>, "errorInstance" | "seed" | "numShrinks">;

let nest: TestNest;
const scheduler = createScheduler();
beforeAll(async () => {
  nest = await startNest({
    clock: standingClock(),
    guard: scheduler.intercept,
    environment: {
      LIMIT_LINKS_PER_ADDRESS: String(LINKS_LIMIT),
      LIMIT_LINKS_PER_KNOWN_DEVICE: "0",
      LIMIT_MAILS_PER_HOUR: "0",
    },
  });
});
afterAll(() => nest.stop());

let played = 0;
let tooSlow = 0;
const answers = new Map<string, number>();

/** Runs one history on new users and checks the final state. */
async function play(commands: Iterable<fc.AsyncCommand<Model, SystemUnderTest>>): Promise<void> {
  nest.stripe.reset();
  nest.ses.clear();
  const system = new SystemUnderTest(nest, scheduler, `h${++played}`);
  const model: Model = { states: [emptyState(nest.clock.now().getTime())], count: 0 };
  try {
    await fc.asyncModelRun(() => ({ model, real: system }), commands);
    await audit(model, system);
  } catch (error) {
    if (!(error instanceof TooSlow)) throw error;
    tooSlow++;
  }
  for (const line of system.history) {
    // Counts the response without the list of sessions.
    const [, answer] = /-> (.*?)(?: session .*)?$/.exec(line) ?? [];
    if (answer !== undefined) answers.set(answer, (answers.get(answer) ?? 0) + 1);
  }
}

test(
  "every response and the final state agree with the model, for random histories of sequential and concurrent calls",
  async () => {
    const end = Date.now() + SECONDS * 1000;
    let seed = seedOf("model");
    do {
      const details = await fc.check(fc.asyncProperty(histories, play), {
        seed,
        numRuns: HISTORIES_PER_SEED,
        // Long histories from the first run on.
        unbiased: true,
        interruptAfterTimeLimit: SHRINKING_SECONDS * 1000,
      });
      if (details.failed) throw new Error(report(details));
      seed++;
    } while (Date.now() < end);
    const seen = [...answers].sort(([, one], [, other]) => other - one);
    await reportSuite({
      suite: "model",
      summary: `${played - tooSlow} histories agreed with the model; ${tooSlow} were abandoned because the machine was too slow.`,
      table: { head: ["Response", "Count"], rows: seen.map(([answer, count]) => [answer, String(count)]) },
    });
    expect(played - tooSlow).toBeGreaterThan(0);
  },
  (SECONDS + SHRINKING_SECONDS) * 1000,
);

/** The broken promise with the shortest history that breaks it, and how to repeat it. */
function report({ errorInstance, seed, numShrinks }: Failure): string {
  const what = errorInstance instanceof Error ? errorInstance.message : String(errorInstance);
  const command = `npm run test:faults -- --suite model --seed ${seed}`;
  return `${what}\n\nShrunk ${numShrinks} times. To repeat it: ${command}`;
}
