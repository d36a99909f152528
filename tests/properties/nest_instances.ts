import { type BillingHistory, OTHER_PRODUCTS, PRICES } from "#tests/properties/billing_history.ts";
import { ContractViolation, HistoryRunner } from "#tests/properties/history_runner.ts";
import { checkRefunds } from "#tests/properties/refund_check.ts";
import { startNest, type TestClock, type TestNest } from "#tests/support/nest.ts";

/** A clock that only `advance` moves, and that can be set back for the next history. */
interface HistoryClock extends TestClock {
  restart(): void;
}

function historyClock(): HistoryClock {
  const start = Math.ceil(Date.now() / 1000) * 1000;
  let now = start;
  return {
    now: () => new Date(now),
    advance: (seconds) => {
      now += seconds * 1000;
    },
    restart: () => {
      now = start;
    },
  };
}

/** A Nest with its own Stripe double and clock. All instances share one database. */
export interface NestInstance {
  nest: TestNest;
  /** Runs one history. @throws Error with the broken rule and the log of the history */
  runHistory(history: BillingHistory, number: number, counts: Map<string, number>): Promise<void>;
}

const LIMITS = [
  "LINKS_PER_ADDRESS_AND_NETWORK",
  "LINKS_PER_ADDRESS",
  "LINKS_PER_KNOWN_DEVICE",
  "LINKS_PER_NETWORK",
  "TRIAL_REQUESTS_PER_NETWORK",
  "NEW_TRIALS_PER_NETWORK",
  "MAILS_PER_HOUR",
];

/** Starts instances that share one database. */
export async function startInstances(count: number): Promise<NestInstance[]> {
  const first = await startInstance(undefined);
  const others = Array.from({ length: count - 1 }, () => startInstance(first.nest.mongoUri));
  return [first, ...(await Promise.all(others))];
}

async function startInstance(mongoUri: string | undefined): Promise<NestInstance> {
  const clock = historyClock();
  const nest = await startNest({
    clock,
    plans: PRICES,
    otherProducts: OTHER_PRODUCTS,
    environment: {
      ...Object.fromEntries(LIMITS.map((name) => [`LIMIT_${name}`, "0"])),
      ...(mongoUri !== undefined && { MONGODB_URI: mongoUri }),
    },
  });
  return {
    nest,
    async runHistory(history, number, counts) {
      clock.restart();
      nest.stripe.reset();
      nest.ses.clear();
      nest.logLines.length = 0;
      const runner = new HistoryRunner(nest, history, number, counts);
      try {
        await runner.run(history.steps);
        checkRefunds(runner, nest.stripe);
      } catch (error) {
        const what =
          error instanceof ContractViolation ? error.message : String((error as Error).stack ?? error);
        throw new Error(`${what}\n\nThe history, in ${history.currency}:\n${runner.log.join("\n")}`);
      }
    },
  };
}
