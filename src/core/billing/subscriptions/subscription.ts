import { DAY, HOUR, plusSeconds } from "#core/clock.ts";
import { NestError } from "#core/errors.ts";
import type { Subscription } from "#core/repositories/subscriptions.ts";

/** A subscription stays usable for this long after its end, since webhooks may be late (contract 1.3). */
export const GRACE_SECONDS = DAY;
/** A subscription whose first invoice is unpaid is usable for this long. */
const INCOMPLETE_SECONDS = HOUR;

/** Statuses that may grant access, best first. */
const USABLE_STATUSES = ["active", "trialing", "past_due", "incomplete"];

/**
 * The time until which a subscription is usable, including its grace period.
 * @returns null if it is not usable at all
 */
export function usableUntil(subscription: Subscription): Date | null {
  const { status, rejectedAt, isOtherProduct, stpCreatedAt, endsAt } = subscription;
  if (rejectedAt !== null || isOtherProduct || !USABLE_STATUSES.includes(status)) return null;
  if (status === "incomplete") return plusSeconds(new Date(stpCreatedAt), INCOMPLETE_SECONDS);
  return plusSeconds(new Date(endsAt), GRACE_SECONDS);
}

/** Whether a subscription is usable at a time. */
export function isUsable(subscription: Subscription, now: Date): boolean {
  const until = usableUntil(subscription);
  return until !== null && until > now;
}

/**
 * The best usable subscription of a user.
 * @returns null if there is none
 */
export function findUsable(subscriptions: readonly Subscription[], now: Date): Subscription | null {
  // All attempts to pay share one hour. Otherwise, a new attempt every hour would be a free subscription.
  const isHourOver = subscriptions.some(({ status, stpCreatedAt }) => {
    return status === "incomplete" && plusSeconds(new Date(stpCreatedAt), INCOMPLETE_SECONDS) <= now;
  });
  const usable = subscriptions.filter(
    (subscription) => isUsable(subscription, now) && !(isHourOver && subscription.status === "incomplete"),
  );
  usable.sort(
    (one, other) =>
      USABLE_STATUSES.indexOf(one.status) - USABLE_STATUSES.indexOf(other.status) ||
      other.endsAt.localeCompare(one.endsAt),
  );
  return usable[0] ?? null;
}

/** Statuses of a subscription that has not ended but has an unpaid invoice. */
const OWING_STATUSES = ["past_due", "unpaid", "paused"];

/** Whether a subscription continues as soon as its unpaid invoice is paid. */
export function isOwing({ status, rejectedAt, isOtherProduct }: Subscription): boolean {
  return rejectedAt === null && !isOtherProduct && OWING_STATUSES.includes(status);
}

/** Whether a dispute ended without a loss. */
export function isHarmlessDispute(status: string): boolean {
  return ["won", "warning_closed", "prevented"].includes(status);
}

/** Whether a payment of a subscription is disputed, or was lost in a dispute. */
export function isDisputed({ disputedAt, disputeStatus }: Subscription): boolean {
  return disputedAt !== null && !isHarmlessDispute(disputeStatus ?? "");
}

/**
 * The best usable subscription of a user.
 * @throws NestError `no_active_subscription` if there is none
 */
export function requireUsable(subscriptions: readonly Subscription[], now: Date): Subscription {
  const usable = findUsable(subscriptions, now);
  if (!usable) throw new NestError("no_active_subscription");
  return usable;
}
