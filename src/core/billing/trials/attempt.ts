import type { BillingSettings } from "#core/billing/config.ts";
import { HOUR } from "#core/clock.ts";
import type { Core } from "#core/core.ts";
import type { Trial, TrialStep } from "#core/repositories/trials.ts";
import { type StripeApi, stripeRefusal } from "#core/services/stripe.ts";

/** Stripe keeps an idempotency key for at least 24 hours. An older key must not create a second subscription. */
const KEY_LIFETIME_MS = 20 * HOUR * 1000;

/** The dependencies of creating a trial at Stripe. */
export type TrialStripeCore = Pick<
  Core,
  "clock" | "log" | "providerMappings" | "subscriptions" | "trials" | "users"
> & { stripe: StripeApi; billing: BillingSettings };

/**
 * Runs one step with its idempotency key. Stripe stores an error response under the key and repeats it for a day, so the
 * next attempt gets a new key. After timeouts, lost connections and conflicts the key stays, since the object may exist.
 * @param work receives whether an earlier attempt may have created the object with another key, and the key
 * @throws every error of `work`
 */
export async function withAttemptKey<Made>(
  core: Pick<Core, "clock" | "trials">,
  trial: Pick<Trial, "_id" | "attempts" | "attemptedAt">,
  step: TrialStep,
  work: (mayExist: boolean, idempotencyKey: string) => Promise<Made>,
): Promise<Made> {
  const attempt = trial.attempts[step] ?? 1;
  const now = core.clock.now();
  const isOld = now.getTime() - Date.parse(trial.attemptedAt) > KEY_LIFETIME_MS;
  try {
    return await work(attempt > 1 || isOld, `trial:${trial._id}:${step}:${attempt}`);
  } catch (error) {
    const status = stripeRefusal(error)?.statusCode;
    // Stripe stores nothing under the key when it returns 429.
    if (status !== undefined && status >= 400 && status !== 409 && status !== 429) {
      await core.trials.raiseAttempt(trial._id, step, attempt, now.toISOString());
    }
    throw error;
  }
}
