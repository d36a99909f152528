import { type Access, findAccess, isUnpaidAttempt } from "#core/billing/subscriptions/subscription.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import type { Subscription } from "#core/repositories/subscriptions.ts";

/** The records on which the access of a user depends. */
export interface OwnerRecords {
  /** All subscriptions of the user, ended ones included. */
  subscriptions: readonly Subscription[];
  /** All addresses of the user, removed ones included. */
  identifiers: readonly Identifier[];
}

/** Reads the records on which a user's access depends, in one round trip. */
export async function readOwner(
  core: Pick<Core, "subscriptions" | "identifiers">,
  userId: string,
): Promise<OwnerRecords> {
  const [subscriptions, identifiers] = await Promise.all([
    core.subscriptions.listByUser(userId),
    core.identifiers.listByUser(userId),
  ]);
  return { subscriptions, identifiers };
}

/**
 * Whether a user proved an address by redeeming a magic link. A purchase is matched by address, so before that the
 * subscription may belong to another person who has the address (contract 1.7).
 */
export function isVerifiedOwner(identifiers: readonly Identifier[]): boolean {
  return identifiers.some(
    ({ verifiedAt, removedAt }) => typeof verifiedAt === "string" && removedAt === null,
  );
}

/**
 * The access that a user has.
 * @throws NestError `no_active_subscription` if there is none, or the user has no verified address
 */
export function requireAccess({ subscriptions, identifiers }: OwnerRecords, now: Date): Access {
  const access = isVerifiedOwner(identifiers) ? findAccess(subscriptions, now) : null;
  if (!access) throw new NestError("no_active_subscription");
  return access;
}

/**
 * Records once that only an attempt to pay gave access to a person's status call. Only attempts that were used in this way
 * share their time with later attempts. A call with an internal key does not count, as for trials.
 * @throws NestError `unavailable`
 */
export async function recordUnpaidUse(
  core: Pick<Core, "subscriptions">,
  { subscription }: Access,
  now: Date,
): Promise<void> {
  if (subscription.unpaidUseAt != null || !isUnpaidAttempt(subscription)) return;
  await core.subscriptions.recordUnpaidUse(subscription.stpSubscriptionId, now.toISOString());
}
