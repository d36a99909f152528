import type { BillingSettings } from "#core/billing/config.ts";
import { hasEnded } from "#core/billing/subscriptions/stripe_state.ts";
import { isRemovable } from "#core/billing/trials/removable.ts";
import { removeCustomer } from "#core/billing/trials/remove_customer.ts";
import { removeUser } from "#core/billing/trials/remove_user.ts";
import { MINUTE, plusSeconds } from "#core/clock.ts";
import type { Core } from "#core/core.ts";
import type { AuditCore } from "#core/events/audit_row.ts";
import { describeFailure } from "#core/log.ts";
import type { RemovedTrial } from "#core/repositories/trial_removals.ts";
import type { Trial } from "#core/repositories/trials.ts";
import { KEPT_AFTER_END_SECONDS } from "#core/retention.ts";
import type { StripeApi } from "#core/services/stripe.ts";

/** Trials that one run removes at most. */
const BATCH = 200;
/** How long a run owns a removal. Lambda stops a function earlier, so a lease expires only after a crash. */
export const REMOVAL_LEASE_SECONDS = 20 * MINUTE;

export type RemovalCore = AuditCore &
  Pick<
    Core,
    | "accountMembers"
    | "accounts"
    | "authorizations"
    | "clock"
    | "identifiers"
    | "log"
    | "marketingConsents"
    | "providerMappings"
    | "sessions"
    | "subscriptions"
    | "trials"
    | "users"
  > & { stripe: StripeApi; billing: Pick<BillingSettings, "trialDays"> };

/** The outcome of a run, as trial ids. */
export interface RemovalOutcome {
  removed: string[];
  /** Removals that go on with the next run: a link of the address is open, or Stripe failed. */
  pending: string[];
  failed: string[];
}

/**
 * Removes trials that nobody redeemed or used and that ran out 30 days ago (contract 1.7), the oldest first, at most 200 a
 * run. First it finishes the removals that an earlier run began. If the removal of one trial fails, the run goes on with the
 * next. If runs overlap, one of them leases the removal of a trial, and the others skip this trial.
 * @param deadline epoch milliseconds after which no further trial is begun
 */
export async function removeUnredeemedTrials(core: RemovalCore, deadline: number): Promise<RemovalOutcome> {
  const outcome: RemovalOutcome = { removed: [], pending: [], failed: [] };
  const leaseEnd = () => plusSeconds(core.clock.now(), REMOVAL_LEASE_SECONDS).toISOString();
  for (const { _id, removal } of await core.trials.listRemovals(BATCH)) {
    if (Date.now() >= deadline) return outcome;
    const now = core.clock.now().toISOString();
    if (removal.leasedUntil !== undefined && removal.leasedUntil > now) continue;
    const leased = await core.trials.leaseRemoval(_id, removal.leasedUntil, leaseEnd());
    if (leased) await removeLeased(core, leased, outcome);
  }
  const now = core.clock.now();
  for (const trial of await listRemovable(core, now)) {
    if (Date.now() >= deadline) return outcome;
    const begun = await core.trials.beginRemoval(trial, now.toISOString(), leaseEnd());
    if (begun) await removeLeased(core, begun, outcome);
  }
  return outcome;
}

/** Finishes a removal that this run owns, or ends its lease. Adds the trial to the outcome; never throws. */
async function removeLeased(core: RemovalCore, trial: RemovedTrial, outcome: RemovalOutcome): Promise<void> {
  try {
    if (await finishRemoval(core, trial)) {
      outcome.removed.push(trial._id);
      return;
    }
    outcome.pending.push(trial._id);
  } catch (error) {
    outcome.failed.push(trial._id);
    core.log.warn("trial_removal_failed", { trial_id: trial._id, ...describeFailure(error) });
  }
  // If this fails too, the lease ends by itself.
  await core.trials.releaseRemoval(trial, core.clock.now().toISOString()).catch(() => undefined);
}

/** Lists the trials that a run would remove. A trial whose subscription has not ended stays. */
export async function listRemovable(
  core: Pick<Core, "subscriptions" | "trials"> & Pick<RemovalCore, "billing">,
  now: Date,
): Promise<Trial[]> {
  const until = plusSeconds(now, -KEPT_AFTER_END_SECONDS).toISOString();
  const removable: Trial[] = [];
  for (let skip = 0; removable.length < BATCH; skip += BATCH) {
    const page = await core.trials.listUnredeemed(until, skip, BATCH);
    for (const trial of page) {
      if (!isRemovable(trial, core.billing.trialDays, now)) continue;
      const subscriptions = await core.subscriptions.listByUser(trial.userId);
      const runs = subscriptions.some(({ trialId, status }) => trialId === trial._id && !hasEnded(status));
      if (!runs) removable.push(trial);
    }
    if (page.length < BATCH) break;
  }
  return removable.slice(0, BATCH);
}

/**
 * Removes what a trial left behind, its own document last, so that the next run finishes what a crash interrupts.
 * @returns false if a link of the address is open, whose owner may come yet
 * @throws NestError `stripe_error`, `unavailable`
 */
async function finishRemoval(core: RemovalCore, trial: RemovedTrial): Promise<boolean> {
  const { identifierValue } = trial.removal;
  if (await core.authorizations.isLinkOpen(identifierValue, core.clock.now().toISOString())) return false;
  if (await removeCustomer(core, trial)) await removeUser(core, trial);
  await core.trials.remove(trial._id);
  return true;
}
