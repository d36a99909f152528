import { DAY, HOUR, plusSeconds } from "#core/clock.ts";
import { byCreation, type Subscription } from "#core/repositories/subscriptions.ts";

/** A subscription stays usable for this long after its end, since webhooks may be late (contract 1.3). */
export const GRACE_SECONDS = DAY;
/** A subscription whose first invoice is unpaid is usable for this long. */
const INCOMPLETE_SECONDS = HOUR;
/** Attempts to pay within this time share `INCOMPLETE_SECONDS`. */
const INCOMPLETE_WINDOW_SECONDS = DAY;

/** Attempts to pay by bank debit within this time share one time to pay, since a bank may take weeks to refuse a debit. */
const UNPAID_WINDOW_SECONDS = 60 * DAY;

/** Statuses that may grant access, best first. */
const USABLE_STATUSES = ["active", "trialing", "past_due", "incomplete"];

/** A subscription that grants access. */
export interface Access {
  subscription: Subscription;
  /** When access ends, without the grace period: `endOfAccess`. */
  endsAt: string;
  /** The time until which the subscription is usable, including its grace period. */
  usableUntil: Date;
}

/**
 * When the access that a subscription grants ends, without the grace period (contract 1.7). A `past_due` subscription ends
 * with its last paid period or its time to pay, whichever is later, whatever period Stripe shows.
 * @param all all subscriptions of the user, which share the hour of `incomplete` ones and the time to pay a first debit
 */
export function endOfAccess(subscription: Subscription, all: readonly Subscription[] = []): string {
  const { status, endsAt, cancelAt, paidUntil = null, pastDueUntil = null } = subscription;
  if (status === "incomplete") return incompleteUntil(subscription, all);
  const timeToPay = timeToPayFirst(subscription, all);
  if (timeToPay !== null) return [endsAt, cancelAt ?? endsAt].reduce(earlier, timeToPay);
  // An earlier release stored the subscription: its next event adds what is missing.
  if (paidUntil === null) return endsAt;
  if (status !== "past_due") return earlier(endsAt, paidUntil);
  const end = later(paidUntil, pastDueUntil ?? paidUntil);
  return cancelAt === null ? end : earlier(end, cancelAt);
}

const earlier = (one: string, other: string) => (one < other ? one : other);
const later = (one: string, other: string) => (one > other ? one : other);

/**
 * The used attempts to pay within a day share one hour, which starts with the first of them. Otherwise, a new attempt every
 * hour would be a free subscription. An attempt that nobody used may be a stranger's, with the person's address.
 */
function incompleteUntil({ stpCreatedAt }: Subscription, all: readonly Subscription[]): string {
  const since = plusSeconds(new Date(stpCreatedAt), -INCOMPLETE_WINDOW_SECONDS).toISOString();
  const attempts = all
    .filter(wasUsedUnpaid)
    .filter(wasIncomplete)
    .map((attempt) => attempt.stpCreatedAt);
  const first = attempts.filter((at) => at >= since).reduce(earlier, stpCreatedAt);
  return plusSeconds(new Date(first), INCOMPLETE_SECONDS).toISOString();
}

/**
 * Until when a subscription that was never paid is usable, in the statuses `active` and `past_due`. The used attempts of a
 * user within `UNPAID_WINDOW_SECONDS` share the time of the first of them. Otherwise debits that fail one after another
 * would be a free subscription.
 * @returns null for every other subscription
 */
function timeToPayFirst(
  { status, unpaidSince, oldestOpenInvoiceAt, pastDueUntil }: Subscription,
  all: readonly Subscription[],
): string | null {
  if (status !== "active" && status !== "past_due") return null;
  if (!unpaidSince || !pastDueUntil || unpaidSince !== oldestOpenInvoiceAt) return null;
  const since = plusSeconds(new Date(unpaidSince), -UNPAID_WINDOW_SECONDS).toISOString();
  const attempts = all.filter(wasUsedUnpaid).flatMap((attempt) => attempt.unpaidSince ?? []);
  const first = attempts.filter((at) => at >= since).reduce(earlier, unpaidSince);
  return new Date(Date.parse(pastDueUntil) - Date.parse(unpaidSince) + Date.parse(first)).toISOString();
}

const wasUsedUnpaid = ({ unpaidUseAt = null }: Subscription) => unpaidUseAt !== null;

/** Whether a usable subscription grants access only as an attempt to pay: it was never paid. */
export function isUnpaidAttempt(subscription: Subscription): boolean {
  return subscription.status === "incomplete" || timeToPayFirst(subscription, []) !== null;
}

function wasIncomplete({ status, wasIncomplete: was }: Subscription): boolean {
  return was === true || status === "incomplete" || status === "incomplete_expired";
}

/**
 * The time until which a subscription is usable, including its grace period. The time to pay has no grace period.
 * @param all all subscriptions of the user
 * @returns null if it is not usable at all
 */
export function usableUntil(subscription: Subscription, all: readonly Subscription[] = []): Date | null {
  const { status, rejectedAt, isOtherProduct, cancelAt, paidUntil = null } = subscription;
  if (rejectedAt !== null || isOtherProduct || !USABLE_STATUSES.includes(status)) return null;
  const end = endOfAccess(subscription, all);
  if (status === "incomplete" || timeToPayFirst(subscription, all) !== null) return new Date(end);
  if (status !== "past_due" || paidUntil === null) return plusSeconds(new Date(end), GRACE_SECONDS);
  const paid = plusSeconds(
    new Date(cancelAt === null ? paidUntil : earlier(paidUntil, cancelAt)),
    GRACE_SECONDS,
  );
  return paid > new Date(end) ? paid : new Date(end);
}

/** Whether a subscription is usable at a time. */
export function isUsable(subscription: Subscription, now: Date): boolean {
  const until = usableUntil(subscription);
  return until !== null && until > now;
}

/**
 * The best usable subscription of a user. An attempt to pay comes last, so that it is used only if nothing
 * else grants access. Between equal subscriptions the older one decides, whatever the order of the list.
 * @param all all subscriptions of the user
 * @returns null if there is none
 */
export function findAccess(all: readonly Subscription[], now: Date): Access | null {
  const usable = all.flatMap((subscription) => {
    const until = usableUntil(subscription, all);
    if (until === null || until <= now) return [];
    return [{ subscription, endsAt: endOfAccess(subscription, all), usableUntil: until }];
  });
  const place = ({ subscription }: Access) =>
    isUnpaidAttempt(subscription) ? USABLE_STATUSES.length : USABLE_STATUSES.indexOf(subscription.status);
  usable.sort(
    (one, other) =>
      place(one) - place(other) ||
      other.endsAt.localeCompare(one.endsAt) ||
      byCreation(one.subscription, other.subscription),
  );
  return usable[0] ?? null;
}

/**
 * The best usable subscription of a user.
 * @returns null if there is none
 */
export function findUsable(all: readonly Subscription[], now: Date): Subscription | null {
  return findAccess(all, now)?.subscription ?? null;
}

/** Statuses of a subscription that has not ended but has an unpaid invoice. */
const STATUSES_WITH_PAYMENT_DUE = ["past_due", "unpaid", "paused"];

/** Whether a subscription continues as soon as its unpaid invoice is paid. */
export function hasPaymentDue({ status, rejectedAt, isOtherProduct }: Subscription): boolean {
  return rejectedAt === null && !isOtherProduct && STATUSES_WITH_PAYMENT_DUE.includes(status);
}

/** Whether a dispute ended without a loss. */
export function isHarmlessDispute(status: string): boolean {
  return ["won", "warning_closed", "prevented"].includes(status);
}

/** Whether a payment of a subscription is disputed, or was lost in a dispute. */
export function isDisputed({ disputedAt, disputeStatus }: Subscription): boolean {
  return disputedAt !== null && !isHarmlessDispute(disputeStatus ?? "");
}
