import { setTimeout as wait } from "node:timers/promises";
import type { StripeDouble } from "#stripe_double/stripe_double.ts";

/** Longer than Nest needs for a day's events, unless something was made to fail. */
const PATIENCE_MS = 2_000;

/**
 * Moves Stripe's time a day at a time, and has Nest take each day's events before the next day comes: a reminder is
 * worked on before what it reminds of. If Nest does not get through in time, the rest follows without waiting.
 */
export async function moveClock(stripe: StripeDouble, days: number): Promise<void> {
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
    wait(PATIENCE_MS, false, { signal: stop.signal }).catch(() => false),
  ]);
  stop.abort();
  return outcome;
}
