import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { audit } from "#tests/model/audit.ts";
import { histories, type Model, TooSlow } from "#tests/model/commands.ts";
import { emptyState, LINKS_LIMIT } from "#tests/model/state.ts";
import { SystemUnderTest, standingClock } from "#tests/model/system.ts";
import { startNest, type TestNest } from "#tests/support/nest.ts";
import { createScheduler } from "#tests/support/scheduler.ts";

const { MODEL_SECONDS, MODEL_SEED, MODEL_PATH, MODEL_REPLAY } = process.env;
const SECONDS = Number(MODEL_SECONDS ?? 5);
/** CI begins where it always does, so that it fails for a reason; `npm run model` begins anywhere. */
const FIRST_SEED = MODEL_SECONDS === undefined ? 1 : Date.now() % 1_000_000_000;
/** Shrinking a failure takes many more histories. */
const SHRINKING_SECONDS = 300;
const HISTORIES_PER_SEED = 2;
type Failure = Pick<
  fc.RunDetails<[Iterable<unknown>]>,
  "errorInstance" | "counterexample" | "counterexamplePath" | "seed" | "numShrinks"
>;

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

/** Plays one history from nothing, and looks at where it has led. */
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
    // Which sessions were listed is left out.
    const [, answer] = /-> (.*?)(?: session .*)?$/.exec(line) ?? [];
    if (answer !== undefined) answers.set(answer, (answers.get(answer) ?? 0) + 1);
  }
}

test(
  "whatever several people do on several machines, one thing after another or at once, every answer and all that is left agree with the contract",
  async () => {
    const end = Date.now() + SECONDS * 1000;
    let seed = Number(MODEL_SEED ?? FIRST_SEED);
    console.log(`MODEL_SEED=${seed}`);
    do {
      const details = await fc.check(fc.asyncProperty(histories(MODEL_REPLAY), play), {
        seed,
        numRuns: HISTORIES_PER_SEED,
        // Long ones too, from the first on.
        unbiased: true,
        interruptAfterTimeLimit: SHRINKING_SECONDS * 1000,
        ...(MODEL_PATH === undefined ? {} : { path: MODEL_PATH }),
      });
      if (details.failed) throw new Error(report(details));
      seed++;
    } while (MODEL_SEED === undefined && Date.now() < end);
    const seen = [...answers].sort(([, one], [, other]) => other - one);
    console.log(
      `${played} histories, ${tooSlow} of them given up because the machine was too slow. Answers seen:`,
    );
    console.log(seen.map(([answer, count]) => `${answer} ${count}`).join(", "));
    expect(played - tooSlow).toBeGreaterThan(0);
  },
  (SECONDS + SHRINKING_SECONDS) * 1000,
);

/** What was broken, in the shortest history that was found, and how to see it again. */
function report({ errorInstance, counterexample, counterexamplePath, seed, numShrinks }: Failure): string {
  const [, replay = ""] = /replayPath="([^"]*)"/.exec(String(counterexample?.[0])) ?? [];
  const what = errorInstance instanceof Error ? errorInstance.message : String(errorInstance);
  const again = `MODEL_SEED=${seed} MODEL_PATH=${counterexamplePath} MODEL_REPLAY=${replay} npx vitest run tests/model`;
  return `${what}\n\nShrunk ${numShrinks} times. Again:\n${again}`;
}
