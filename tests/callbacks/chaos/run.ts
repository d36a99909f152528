import { seededRandom, shuffled } from "#stripe_double/random.ts";
import { eventsToSend, type Scenario } from "#tests/callbacks/chaos/scenario.ts";
import { unrecordedMails } from "#tests/callbacks/chaos/state.ts";
import { startWorker, type Worker } from "#tests/callbacks/chaos/worker.ts";
import type { TestNest } from "#tests/support/nest.ts";

/** Longer than a lease and than the claim on a mail. */
export const LEASE_EXPIRY_SECONDS = 150;
const ROUNDS = 12;
const COPIES = 3;
/** Concurrent deliveries, as many as Stripe makes. */
const AT_ONCE = 4;
const FAULTS = ["error", "error_after", "rate_limited", "lost"] as const;
const MAIL_FAULTS = ["error", "rate_limited", "rejected"] as const;
const FAULT_CHANCE = 0.08;
export const NO_CRASH = { at: 0, when: "before" } as const;

export interface Outcome {
  hasCrashed: boolean;
  /** Mails that the crashed process sent and did not record. They may be sent once more. */
  mayComeTwice: Set<string>;
}

/**
 * Delivers three copies of each event in random order, several concurrently, to a worker that may crash. Retries events
 * without a 2xx response, as Stripe does. Stripe and SES fail at random meanwhile.
 * @throws Error if some events have no 2xx response after many rounds
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
      nest.clock.advance(LEASE_EXPIRY_SECONDS);
    }
    throw new Error(`seed ${seed}: some events did not succeed in ${ROUNDS} rounds`);
  } finally {
    disarm(nest);
    await current.close();
  }
}

/** Delivers the queue until it is empty or the worker has crashed. @returns whether it crashed */
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

/** Makes Stripe fail at random, and SES for the next calls. */
export function arm(nest: TestNest, seed: number): void {
  const kind = FAULTS[seed % FAULTS.length] ?? "error";
  nest.stripe.fault({ calls: Number.POSITIVE_INFINITY, kind, chance: FAULT_CHANCE, seed });
  nest.ses.fault({ calls: 2, kind: MAIL_FAULTS[seed % MAIL_FAULTS.length] ?? "error" });
}

export function disarm(nest: TestNest): void {
  nest.stripe.fault({ calls: 0, kind: "none" });
  nest.ses.fault({ calls: 0, kind: "none" });
}
