/** Decides when a person has access, as contract 1.7 ("Access") states it. This file uses no code of `src`. */
import {
  isFirstPaymentPending,
  isPeriodVoid,
  paidUntil,
  wasEverPaid,
} from "#tests/properties/money_oracle.ts";
import type { Snapshot, SubscriptionState } from "#tests/properties/stripe_snapshot.ts";

const HOUR = 3600;
const DAY = 24 * HOUR;
const PAST_DUE_DAYS = 7;
/** A status call within this many seconds of an end may return either result. */
const MARGIN = 2;
/** How long before and after an end the status is read, in seconds. */
const NEAR = 600;

/** The statuses that contract 1.7 allows: a usable one only, an unusable one only, or both. */
export type Verdict = "usable" | "not usable" | "either";

/** The verdict for a person whose address is verified, when every event has been delivered. */
export function judgeAccess({ now, subscriptions }: Snapshot): Verdict {
  const ours = subscriptions.filter(({ isOurs }) => isOurs);
  const ends = ours.flatMap(endsOf);
  if (ends.some(({ earliest }) => now < earliest - MARGIN)) return "usable";
  return ends.some(({ latest }) => now <= latest + MARGIN) ? "either" : "not usable";
}

/**
 * The times, in Unix seconds, at which a status call is informative: shortly before and after access ends. Ends that a
 * renewal moves are left out.
 */
export function timesAroundEnd({ now, subscriptions }: Snapshot): number[] {
  const ours = subscriptions.filter(({ isOurs }) => isOurs);
  const moving = ours.filter(
    (one) => one.status === "active" && !isFirstPaymentPending(one) && !isPeriodVoid(one),
  );
  if (moving.length > 0) return [];
  const ends = ours.flatMap(endsOf);
  if (ends.length === 0) return [];
  const earliest = Math.max(...ends.map((end) => end.earliest));
  const latest = Math.max(...ends.map((end) => end.latest));
  return [earliest - NEAR, latest + NEAR].filter((time) => time > now);
}

/** When the access that a subscription grants ends, including its grace: not before `earliest`, not after `latest`. */
function endsOf(one: SubscriptionState): { earliest: number; latest: number }[] {
  const exactly = (end: number) => [{ earliest: end, latest: end }];
  const scheduled = (end: number) => (one.cancelAt === null ? end : Math.min(end, one.cancelAt));
  switch (one.status) {
    case "trialing":
      return exactly(scheduled(one.end) + DAY);
    case "active": {
      const first = endOfFirstPayment(one);
      if (first !== null) return exactly(first);
      return exactly(scheduled(isPeriodVoid(one) ? Math.min(one.end, paidUntil(one)) : one.end) + DAY);
    }
    case "past_due": {
      const open = one.invoices.filter(({ status }) => status === "open").map(({ created }) => created);
      const paid = paidUntil(one) + DAY;
      const late = open.length === 0 ? paid : Math.max(paid, Math.min(...open) + PAST_DUE_DAYS * DAY);
      // A past due subscription has days to pay. If its collection is paused with `void`,
      // it may also end with the paid period.
      const earliest = one.pause === "void" ? Math.min(paid, late) : late;
      const untilCancelAt = (end: number) =>
        one.cancelAt === null ? end : Math.min(end, one.cancelAt + DAY);
      const first = wasEverPaid(one) ? null : endOfTimeToPay(one, Math.min(...open));
      if (first !== null && open.length > 0)
        return [
          { earliest: Math.min(first, earliest, one.cancelAt ?? earliest), latest: untilCancelAt(late) },
        ];
      return [
        {
          earliest: one.cancelAt === null ? earliest : Math.min(earliest, one.cancelAt),
          latest: untilCancelAt(late),
        },
      ];
    }
    case "incomplete":
      return exactly(one.created + HOUR);
    default:
      return [];
  }
}

/**
 * The end of the access of an active subscription whose first payment is pending, or null for any other subscription. The
 * days to pay begin when its open invoice is created.
 */
function endOfFirstPayment(one: SubscriptionState): number | null {
  if (!isFirstPaymentPending(one)) return null;
  return endOfTimeToPay(
    one,
    Math.min(...one.invoices.filter(({ status }) => status === "open").map(({ created }) => created)),
  );
}

function endOfTimeToPay(one: SubscriptionState, opened: number): number {
  return Math.min(opened + PAST_DUE_DAYS * DAY, one.end, one.cancelAt ?? Number.POSITIVE_INFINITY);
}
