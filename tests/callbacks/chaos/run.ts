import { seededRandom, shuffled } from "#stripe_double/random.ts";
import { eventsToSend, type Scenario } from "#tests/callbacks/chaos/scenario.ts";
import { unrecordedMails } from "#tests/callbacks/chaos/state.ts";
import { startWorker, type Worker } from "#tests/callbacks/chaos/worker.ts";
import type { TestNest } from "#tests/support/nest.ts";

/** Longer than a lease and than a mail's claim. */
export const PATIENCE_SECONDS = 150;
const ROUNDS = 12;
const COPIES = 3;
/** As many as Stripe posts at once. */
const AT_ONCE = 4;
const FAULTS = ["error", "error_after", "rate_limited", "lost"] as const;
const MAIL_FAULTS = ["error", "rate_limited", "rejected"] as const;
const FAULT_CHANCE = 0.08;
export const NO_CRASH = { at: 0, when: "before" } as const;

export interface Outcome {
  hasCrashed: boolean;
  /** Mails that the dead process had sent and not recorded: they may go out once more. */
  mayComeTwice: Set<string>;
}

/**
 * Delivers what an endpoint is sent of everything that happened at the double: three copies of each event in an order that
 * a seed decides, several at a time, to a worker that may die on the way; then again, as Stripe does, whatever was not
 * answered with 2xx, until all is. Stripe and the mail service fail meanwhile.
 * @throws Error if the events are not all answered with 2xx after many rounds
 */
export async function deliverInDisorder(
  nest: TestNest,
  scenario: Scenario,
  seed: number,
  worker: Worker,
): Promise<Outcome> {
  const random = seededRandom(seed);
  const finished = new Set<string>();
  const outcome: Outcome = { hasCrashed: false, mayComeTwice: new Set() };
  let current = worker;
  try {
    for (let round = 1; round <= ROUNDS; round++) {
      const waiting = eventsToSend(nest.stripe).filter(({ id }) => !finished.has(id));
      if (waiting.length === 0) return outcome;
      if (round < ROUNDS / 2) arm(nest, seed + round);
      else disarm(nest);
      const copies = round === 1 ? waiting.flatMap((event) => Array(COPIES).fill(event)) : waiting;
      const queue = shuffled(copies, random);
      if (await postAll(nest, current, queue, finished)) {
        await current.close();
        outcome.hasCrashed = true;
        outcome.mayComeTwice = await unrecordedMails(nest, scenario);
        current = startWorker(nest, NO_CRASH);
        await postAll(nest, current, queue, finished);
      }
      nest.clock.advance(PATIENCE_SECONDS);
    }
    throw new Error(`seed ${seed}: events are left after ${ROUNDS} rounds`);
  } finally {
    disarm(nest);
    await current.close();
  }
}

/** Posts from the queue until it is empty or the worker has died. @returns whether it died */
async function postAll(
  nest: TestNest,
  worker: Worker,
  queue: object[],
  finished: Set<string>,
): Promise<boolean> {
  let hasCrashed = false;
  const postOn = async () => {
    while (!hasCrashed) {
      const event = queue.shift() as { id: string } | undefined;
      if (!event) return;
      const { body, header } = nest.stripe.signedEvent(event);
      const status = await worker.post(body, header);
      if (status === null) hasCrashed = true;
      else if (status < 300) finished.add(event.id);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, postOn));
  return hasCrashed;
}

/** Stripe fails now and then, and the mail service the next few times. */
export function arm(nest: TestNest, seed: number): void {
  const kind = FAULTS[seed % FAULTS.length] ?? "error";
  nest.stripe.fault({ calls: Number.POSITIVE_INFINITY, kind, chance: FAULT_CHANCE, seed });
  nest.ses.fault({ calls: 2, kind: MAIL_FAULTS[seed % MAIL_FAULTS.length] ?? "error" });
}

export function disarm(nest: TestNest): void {
  nest.stripe.fault({ calls: 0, kind: "none" });
  nest.ses.fault({ calls: 0, kind: "none" });
}
