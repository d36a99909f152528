import { completeDeletion, erasureOf } from "#core/administration/complete_deletion.ts";
import type { ClosingCore } from "#core/billing/plans/close_checkouts.ts";
import { HOUR, plusSeconds } from "#core/clock.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { byJob } from "#core/events/event_source.ts";
import { describeFailure } from "#core/log.ts";
import type { AccountCore } from "#core/personal_data/find_person.ts";
import { eraseAccount } from "#core/personal_data/personal_data.ts";
import type { User } from "#core/repositories/users.ts";

const JOB = "erase_deleted_users";
/** Users with whom one run goes on at most. */
const BATCH = 200;
/** How long a run owns a user, and how long a user waits who can't be erased yet. Lambda stops a function earlier. */
export const ERASURE_LEASE_SECONDS = HOUR;

export type EraseDeletedCore = AccountCore & ClosingCore & Pick<Core, "log">;

/** The outcome of a run, as counts. */
export interface ErasureOutcome {
  /** Users who were erased, or whose deletion was completed. */
  done: number;
  /** Users who wait: a subscription has not ended, or must be refunded first. */
  pending: number;
  failed: number;
}

/**
 * Erases users who were deleted 30 days ago, and completes deletions that stopped, the longest due first, at most 200 a run. Pending
 * events are moved to the audit log first. One conditional update decides which of several runs goes on with a user. A user who can't
 * be erased yet, or whose erasure failed, is tried again by a later run.
 * @param deadline epoch milliseconds after which the run goes on with no further user
 */
export async function eraseDeletedUsers(core: EraseDeletedCore, deadline: number): Promise<ErasureOutcome> {
  const outcome: ErasureOutcome = { done: 0, pending: 0, failed: 0 };
  const now = core.clock.now();
  const next = plusSeconds(now, ERASURE_LEASE_SECONDS).toISOString();
  for (const user of await core.users.listErasable(now.toISOString(), BATCH)) {
    if (Date.now() >= deadline) return outcome;
    if (await core.users.leaseErasure(user._id, user.eraseAt ?? "", next)) outcome[await goOn(core, user)]++;
  }
  return outcome;
}

async function goOn(core: EraseDeletedCore, user: User): Promise<keyof ErasureOutcome> {
  const { _id: userId, deletedAt = "" } = user;
  try {
    if (erasureOf(deletedAt) > core.clock.now().toISOString()) await completeDeletion(core, user, byJob(JOB));
    else await eraseAccount(core, { userId, addresses: [] }, byJob(JOB));
    return "done";
  } catch (error) {
    const mustWait =
      error instanceof NestError && (error.code === "already_subscribed" || isUnrefunded(error));
    core.log.warn("user_not_erased", { user_id: userId, must_wait: mustWait, ...describeFailure(error) });
    return mustWait ? "pending" : "failed";
  }
}

/** Whether an erasure waits for a refund. An outage of the database has a cause. */
const isUnrefunded = ({ code, cause }: NestError) => code === "unavailable" && cause === undefined;
