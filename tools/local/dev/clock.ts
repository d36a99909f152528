import { setTimeout as wait } from "node:timers/promises";
import type { StripeDouble } from "#stripe_double/stripe_double.ts";

/** How long to wait for the events of one day. Nest needs less, unless a fault is set. */
const DAY_TIMEOUT_MS = 2_000;

/**
 * Advances Stripe's clock one day at a time, and waits until Nest has processed the events of each day, so that a reminder is
 * processed before the end that it announces. After a timeout, the remaining days follow without waiting.
 */
export async function advanceClock(stripe: StripeDouble, days: number): Promise<void> {
  let isInStep = true;
  for (let left = days; left > 0; left--) {
    stripe.advance({ days: Math.min(1, left) });
    if (isInStep) isInStep = await isSettled(stripe);
  }
}

async function isSettled(stripe: StripeDouble): Promise<boolean> {
  const stop = new AbortController();
  const outcome = await Promise.race([
    stripe.settled().then(() => true),
    wait(DAY_TIMEOUT_MS, false, { signal: stop.signal }).catch(() => false),
  ]);
  stop.abort();
  return outcome;
}
