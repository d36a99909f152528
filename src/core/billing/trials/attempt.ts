import type { BillingSettings } from "#core/billing/config.ts";
import type { ClaimedTrial } from "#core/billing/trials/trial.ts";
import { HOUR } from "#core/clock.ts";
import type { Core } from "#core/core.ts";
import type { TrialStep } from "#core/repositories/trials.ts";
import { type StripeApi, stripeRefusal } from "#core/services/stripe.ts";

/** Stripe keeps a key for 24 h at least; an older one may be forgotten and must not make a second subscription. */
const KEY_LIFE_MS = 20 * HOUR * 1000;

/** What making a trial at Stripe uses. */
export type TrialStripeCore = Pick<
  Core,
  "clock" | "log" | "providerMappings" | "sessions" | "subscriptions" | "trials" | "users"
> & { stripe: StripeApi; billing: BillingSettings };

/**
 * Runs one step under its idempotency key. Stripe replays a failure that it has stored under a key for a day, so such a
 * key is left behind; after time-outs, cut connections and conflicts the key stays, since the work may have been done.
 * @param work is told whether an earlier attempt may have made the object under another or a forgotten key
 */
export async function keepingAttempt<Made>(
  core: TrialStripeCore,
  trial: ClaimedTrial,
  step: TrialStep,
  work: (mayExist: boolean, idempotencyKey: string) => Promise<Made>,
): Promise<Made> {
  const attempt = trial.attempts[step];
  const now = core.clock.now();
  const isOld = now.getTime() - Date.parse(trial.attemptedAt) > KEY_LIFE_MS;
  try {
    return await work(attempt > 1 || isOld, `trial:${trial._id}:${step}:${attempt}`);
  } catch (error) {
    const status = stripeRefusal(error)?.statusCode;
    // 429 is answered before anything is stored.
    if (status !== undefined && status >= 400 && status !== 409 && status !== 429) {
      await core.trials.raiseAttempt(trial._id, step, attempt, now.toISOString());
    }
    throw error;
  }
}
