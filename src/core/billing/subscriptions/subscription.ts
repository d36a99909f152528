import { DAY, HOUR, plusSeconds } from "#core/clock.ts";
import { NestError } from "#core/errors.ts";
import type { Subscription } from "#core/repositories/subscriptions.ts";

/** Webhooks come late: after its end a subscription is usable for this long (contract 1.3). */
export const GRACE_SECONDS = DAY;
/** An unpaid first invoice grants no more than this. */
const INCOMPLETE_SECONDS = HOUR;

/** Best first. */
const USABLE = ["active", "trialing", "past_due", "incomplete"];

/** Until when a subscription can be used, its grace included; null if it can't be at all. */
export function usableUntil(subscription: Subscription): Date | null {
  const { status, rejectedAt, isOtherProduct, stpCreatedAt, endsAt } = subscription;
  if (rejectedAt !== null || isOtherProduct || !USABLE.includes(status)) return null;
  if (status === "incomplete") return plusSeconds(new Date(stpCreatedAt), INCOMPLETE_SECONDS);
  return plusSeconds(new Date(endsAt), GRACE_SECONDS);
}

export function isUsable(subscription: Subscription, now: Date): boolean {
  const until = usableUntil(subscription);
  return until !== null && until > now;
}

/** The best of a user's usable subscriptions, or null. */
export function findUsable(subscriptions: readonly Subscription[], now: Date): Subscription | null {
  // The hour is one for all tries to pay, or another try each hour would be a subscription for nothing.
  const isWaitOver = subscriptions.some(({ status, stpCreatedAt }) => {
    return status === "incomplete" && plusSeconds(new Date(stpCreatedAt), INCOMPLETE_SECONDS) <= now;
  });
  const usable = subscriptions.filter(
    (subscription) => isUsable(subscription, now) && !(isWaitOver && subscription.status === "incomplete"),
  );
  usable.sort(
    (one, other) =>
      USABLE.indexOf(one.status) - USABLE.indexOf(other.status) || other.endsAt.localeCompare(one.endsAt),
  );
  return usable[0] ?? null;
}

/** Alive but not paid, whether it can be used or not. */
const OWING = ["past_due", "unpaid", "paused"];

/** Whether somebody has a subscription that is alive and only has to be paid to go on. */
export function isOwing({ status, rejectedAt, isOtherProduct }: Subscription): boolean {
  return rejectedAt === null && !isOtherProduct && OWING.includes(status);
}

/** Whether a dispute ended in a way that leaves no doubt. */
export function isHarmlessDispute(status: string): boolean {
  return ["won", "warning_closed", "prevented"].includes(status);
}

/** Whether a payment of a subscription is in doubt, or was lost. */
export function isDisputed({ disputedAt, disputeStatus }: Subscription): boolean {
  return disputedAt !== null && !isHarmlessDispute(disputeStatus ?? "");
}

/** @throws NestError no_active_subscription */
export function requireUsable(subscriptions: readonly Subscription[], now: Date): Subscription {
  const usable = findUsable(subscriptions, now);
  if (!usable) throw new NestError("no_active_subscription");
  return usable;
}
