/** Decides when a person has access, as contract 1.7 ("Access") states it. This file uses no code of `src`. */
import { isPaidOnce, isPeriodVoid, isUnpaidFirst, paidUntil } from "#tests/properties/money_oracle.ts";
import type { Owned, Snapshot } from "#tests/properties/stripe_snapshot.ts";

const HOUR = 3600;
const DAY = 24 * HOUR;
const PAST_DUE_DAYS = 7;
/** A status call this close to an end may return either result. */
const MARGIN = 2;

/** Whether the status must be usable, must not be usable, or is not determined. */
export type Verdict = "usable" | "not usable" | "either";

/**
 * The verdict for a person whose address is verified, when every event was delivered.
 */
export function judgeAccess({ now, subscriptions }: Snapshot): Verdict {
  const ours = subscriptions.filter(({ isOurs }) => isOurs);
  const ends = ours.flatMap(endsOf);
  if (ends.some(({ sure }) => now < sure - MARGIN)) return "usable";
  return ends.some(({ latest }) => now <= latest + MARGIN) ? "either" : "not usable";
}

/** The end of the access that a subscription grants, with its grace: at least until `sure`, at most until `latest`. */
function endsOf(one: Owned): { sure: number; latest: number }[] {
  const exactly = (end: number) => [{ sure: end, latest: end }];
  const scheduled = (end: number) => (one.cancelAt === null ? end : Math.min(end, one.cancelAt));
  switch (one.status) {
    case "trialing":
      return exactly(scheduled(one.end) + DAY);
    case "active": {
      const first = timeToPayFirst(one);
      if (first !== null) return exactly(first);
      return exactly(scheduled(isPeriodVoid(one) ? Math.min(one.end, paidUntil(one)) : one.end) + DAY);
    }
    case "past_due": {
      const open = one.bills.filter(({ status }) => status === "open").map(({ created }) => created);
      const paid = paidUntil(one) + DAY;
      const late = open.length === 0 ? paid : Math.max(paid, Math.min(...open) + PAST_DUE_DAYS * DAY);
      // Paused collection with `void` grants nothing after the paid period; a past due one has days to pay.
      const sure = one.pause === "void" ? Math.min(paid, late) : late;
      const cut = (end: number) => (one.cancelAt === null ? end : Math.min(end, one.cancelAt + DAY));
      const first = isPaidOnce(one) ? null : timeToPay(one, Math.min(...open));
      if (first !== null && open.length > 0)
        return [{ sure: Math.min(first, sure, one.cancelAt ?? sure), latest: cut(late) }];
      return [{ sure: one.cancelAt === null ? sure : Math.min(sure, one.cancelAt), latest: cut(late) }];
    }
    case "incomplete":
      return exactly(one.created + HOUR);
    default:
      return [];
  }
}

/**
 * A subscription that was never paid, such as by a debit that is processing, has days to pay. The histories read the status
 * with an internal key, which uses no attempt, so attempts do not share them.
 */
function timeToPayFirst(one: Owned): number | null {
  if (!isUnpaidFirst(one)) return null;
  return timeToPay(
    one,
    Math.min(...one.bills.filter(({ status }) => status === "open").map(({ created }) => created)),
  );
}

function timeToPay(one: Owned, opened: number): number {
  return Math.min(opened + PAST_DUE_DAYS * DAY, one.end, one.cancelAt ?? Number.POSITIVE_INFINITY);
}
