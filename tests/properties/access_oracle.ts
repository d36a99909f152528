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
 * @param attempts ids of subscriptions whose events reached Nest while they were incomplete
 */
export function judgeAccess({ now, subscriptions }: Snapshot, attempts: ReadonlySet<string>): Verdict {
  const ours = subscriptions.filter(({ isOurs }) => isOurs);
  const ends = ours.flatMap((one) => endsOf(one, ours, attempts));
  if (ends.some(({ sure }) => now < sure - MARGIN)) return "usable";
  return ends.some(({ latest }) => now <= latest + MARGIN) ? "either" : "not usable";
}

/** The end of the access that a subscription grants, with its grace: at least until `sure`, at most until `latest`. */
function endsOf(
  one: Owned,
  all: readonly Owned[],
  attempts: ReadonlySet<string>,
): { sure: number; latest: number }[] {
  const exactly = (end: number) => [{ sure: end, latest: end }];
  const scheduled = (end: number) => (one.cancelAt === null ? end : Math.min(end, one.cancelAt));
  switch (one.status) {
    case "trialing":
      return exactly(scheduled(one.end) + DAY);
    case "active": {
      const first = timeToPayFirst(one, all);
      if (first !== null) return [first];
      return exactly(scheduled(isPeriodVoid(one) ? Math.min(one.end, paidUntil(one)) : one.end) + DAY);
    }
    case "past_due": {
      const open = one.bills.filter(({ status }) => status === "open").map(({ created }) => created);
      const paid = paidUntil(one) + DAY;
      const late = open.length === 0 ? paid : Math.max(paid, Math.min(...open) + PAST_DUE_DAYS * DAY);
      // Paused collection with `void` grants nothing after the paid period; a past due one has days to pay.
      const sure = one.pause === "void" ? Math.min(paid, late) : late;
      const cut = (end: number) => (one.cancelAt === null ? end : Math.min(end, one.cancelAt + DAY));
      const first = isPaidOnce(one) ? null : timeToPay(one, all, Math.min(...open));
      if (first !== null && open.length > 0)
        return [{ sure: Math.min(first.sure, sure, one.cancelAt ?? sure), latest: cut(late) }];
      return [{ sure: one.cancelAt === null ? sure : Math.min(sure, one.cancelAt), latest: cut(late) }];
    }
    case "incomplete": {
      // Attempts within a day share the hour of the first one, which may have been paid since.
      const isFirst = !all.some(
        ({ id, created }) => id !== one.id && created > one.created - DAY - MARGIN && created <= one.created,
      );
      const first = Math.min(
        one.created,
        ...all
          .filter((other) => isUnpaidAttempt(other) && attempts.has(other.id))
          .map(({ created }) => created)
          .filter((created) => created > one.created - DAY),
      );
      return [{ sure: isFirst ? one.created + HOUR : 0, latest: first + HOUR }];
    }
    default:
      return [];
  }
}

/** A subscription that was never paid, such as by a debit that is processing, has the days to pay of the first attempt. */
function timeToPayFirst(one: Owned, all: readonly Owned[]) {
  if (!isUnpaidFirst(one)) return null;
  return timeToPay(
    one,
    all,
    Math.min(...one.bills.filter(({ status }) => status === "open").map(({ created }) => created)),
  );
}

/** Earlier attempts may have been paid since, or were never seen. Then the days count from this one. */
function timeToPay(one: Owned, all: readonly Owned[], opened: number) {
  const isFirst = !all.some((other) => other.id !== one.id && !isPaidOnce(other) && other.created <= opened);
  const end = Math.min(opened + PAST_DUE_DAYS * DAY, one.end, one.cancelAt ?? Number.POSITIVE_INFINITY);
  return { sure: isFirst ? end : 0, latest: end };
}

function isUnpaidAttempt({ status }: Owned): boolean {
  return status === "incomplete" || status === "incomplete_expired";
}
