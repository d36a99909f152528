import { setTimeout as wait } from "node:timers/promises";
import { type Clock, systemClock } from "#core/clock.ts";
import type { StripeDouble } from "#stripe_double/stripe_double.ts";

/**
 * The stack's own time: the Stripe double's, so that advancing its clock lets a job find work and dates the emails; a real
 * account has the real time.
 */
export function stackClock(stripe: Pick<StripeDouble, "mode" | "now"> | { mode: "test" }): Clock {
  return stripe.mode === "double" ? { now: () => new Date(stripe.now() * 1000) } : systemClock;
}

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
