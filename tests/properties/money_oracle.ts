/**
 * Decides which subscription is kept and what is refunded, as contract 1.7 states it. This file uses no code of `src`.
 */
import type { Owned, Payment, Snapshot } from "#tests/properties/stripe_snapshot.ts";

export type Kind = "duplicate" | "replaced";

/** Whether an invoice of a subscription was ever paid. */
export function isPaidOnce({ bills }: Owned): boolean {
  return bills.some(
    ({ payments, creditUsed, isOutOfBand, status }) =>
      status === "paid" && (payments.length > 0 || creditUsed > 0 || isOutOfBand),
  );
}

/** Whether an active subscription was never paid and its first invoice is open: a bank debit is processing. */
export function isUnpaidFirst(one: Owned): boolean {
  return one.status === "active" && !isPaidOnce(one) && one.bills.some(({ status }) => status === "open");
}

const DAY = 86_400;

/**
 * The end of the last period that an invoice paid, at most the end of the current period: a change of interval credits the
 * rest of the old one. A trial's invoice with a total of 0 is paid.
 */
export function paidUntil({ bills, created, end }: Owned): number {
  return Math.min(bills.findLast(({ status, isOurs }) => status === "paid" && isOurs)?.end ?? created, end);
}

/** Whether nobody pays for the current period of an active subscription: its invoices are voided. */
export function isPeriodVoid({ status, pause, bills }: Owned): boolean {
  return status === "active" && (pause === "void" || bills.at(-1)?.status === "void");
}

/** Best first. */
function rankOf(one: Owned, now: number): number {
  const wasPaid = isPaidOnce(one);
  // A first bank debit is processing.
  if (isUnpaidFirst(one)) return 7;
  const grantsNothing = isPeriodVoid(one) && paidUntil(one) + DAY <= now;
  if (one.status === "active" && !grantsNothing) return one.isEnding ? 2 : 1;
  if ((one.status === "past_due" || grantsNothing) && wasPaid) return 3;
  // A trial never replaces a subscription that was ever paid.
  if (one.status !== "incomplete" && one.status !== "trialing" && wasPaid) return 4;
  if (one.status === "trialing") return 5;
  return one.status === "incomplete" ? 7 : 6;
}

const byAge = (one: Owned, other: Owned) => one.created - other.created || (one.id < other.id ? -1 : 1);

/** Whether the newer of two renewing subscriptions is a change of plan: another price, bought by the user's own customer. */
function changesPlan(older: Owned, newer: Owned, { ownCustomers }: Snapshot): boolean {
  return (
    newer.price !== older.price && (newer.customer === older.customer || ownCustomers.has(newer.customer))
  );
}

/** Whether a subscription was ours before another one was changed to our product, so that it is no duplicate of it. */
function wasUsedFirst(loser: Owned, winner: Owned): boolean {
  const { changedToOursAt } = winner;
  return changedToOursAt !== null && (loser.changedToOursAt ?? loser.created) < changedToOursAt;
}

/** How a subscription loses. */
export interface Loss {
  kind: Kind;
  winner: Owned;
}

/**
 * The losers among living subscriptions, by id, each with the ways in which it may have lost: to the subscription kept so
 * far, or to the one that is kept in the end. Several purchases can reach Nest at once.
 */
export function losersOf(living: readonly Owned[], snapshot: Snapshot): Map<string, Loss[]> {
  const losers = new Map<string, Loss[]>();
  const add = (id: string, kind: Kind, winner: Owned) =>
    losers.set(id, [...(losers.get(id) ?? []), { kind, winner }]);
  if (living.length === 0) return losers;
  const kindOf = (loser: Owned, winner: Owned): Kind => {
    if (byAge(loser, winner) < 0) return "replaced";
    return wasUsedFirst(loser, winner) ? "replaced" : "duplicate";
  };
  const rank = (one: Owned) => rankOf(one, snapshot.now);
  const best = Math.min(...living.map(rank));
  const [oldest, ...later] = living.filter((one) => rank(one) === best).toSorted(byAge);
  if (oldest === undefined) return losers;
  let kept = oldest;
  for (const next of later) {
    if (best === 1 && changesPlan(kept, next, snapshot)) {
      add(kept.id, "replaced", next);
      kept = next;
    } else add(next.id, kindOf(next, kept), kept);
  }
  for (const one of living) {
    if (one.id !== kept.id && (!isUnpaidFirst(one) || losesPending(one, kept, snapshot)))
      add(one.id, kindOf(one, kept), kept);
  }
  return losers;
}

/**
 * Whether a subscription whose first debit is processing loses to the kept one already: to a later purchase by the person's
 * own customer, or because it would lose if it were paid.
 */
function losesPending(one: Owned, kept: Owned, snapshot: Snapshot): boolean {
  if (rankOf(kept, snapshot.now) > 2) return false;
  const isByPerson = kept.customer === one.customer || snapshot.ownCustomers.has(kept.customer);
  if (isByPerson && byAge(one, kept) < 0) return true;
  const bills = one.bills.map((bill) => ({ ...bill, status: "paid", isOutOfBand: true }));
  return losersOf([kept, { ...one, bills }], snapshot).has(one.id);
}

/** What Nest owes for one canceled subscription, in the smallest unit. */
export interface Debt {
  /** Where the money goes: a duplicate's payments and those of another customer go back to the payment methods. */
  to: "payment method" | "balance";
  /** At least this much, while disputes are open or lost. */
  least: number;
  most: number;
  /** The part of `most` that paid from the balance and goes back there. */
  credit: number;
}

const STEP: Readonly<Record<string, number>> = { kwd: 10 };

/** A share of an amount, rounded up to the smallest amount that Stripe accepts. */
function share(amount: number, part: number, whole: number, currency: string): number {
  const step = STEP[currency] ?? 1;
  if (amount <= 0 || part <= 0) return 0;
  const steps = (BigInt(amount) * BigInt(part) + BigInt(whole * step) - 1n) / BigInt(whole * step);
  return Math.min(amount, Number(steps) * step);
}

/** The defeat of a subscription: its state before Nest canceled it, and the time of the cancellation. */
export interface Defeat {
  kind: Kind;
  loser: Owned;
  /** Whether the winner has the same customer. */
  isSameCustomer: boolean;
  /** Whether the winner was for another product before: only payments since then may be returned. */
  isWinnerChanged: boolean;
  /** Unix seconds. */
  at: number;
}

/**
 * What contract 1.7 returns for a defeat.
 * @param now the subscription at the end of the history: slow payments may have been settled, disputes closed
 * @param refundedBefore by charge, what others refunded
 */
export function debtOf(
  { kind, loser, isSameCustomer, isWinnerChanged, at }: Defeat,
  now: Owned,
  refundedBefore: ReadonlyMap<string, number>,
): Debt {
  const whole = kind === "duplicate";
  const { start, end, currency } = loser;
  const isPaidStatus = loser.status === "active" || loser.status === "trialing";
  const bills = now.bills.filter(({ isOurs }) => isOurs);
  const counted = whole
    ? bills
    : bills.filter((bill) => isPaidStatus && bill.start >= start && bill.end <= end && bill.end > bill.start);
  const left = ({ charge, paid }: Payment) => Math.max(0, paid - (refundedBefore.get(charge) ?? 0));
  const payments = counted.flatMap((bill) => bill.payments);
  const sum = (some: readonly Payment[]) => some.reduce((total, one) => total + left(one), 0);
  // Stripe returned this to the balance when the interval was changed.
  const credited = whole ? counted.reduce((total, bill) => total + bill.credited, 0) : 0;
  const all = Math.max(0, sum(payments) - credited);
  const free = Math.max(
    0,
    sum(payments.filter(({ dispute }) => dispute === "none" || dispute === "won")) - credited,
  );
  const credit = counted
    .filter(({ status }) => status === "paid")
    .reduce((total, { creditUsed }) => total + creditUsed, 0);
  const part = whole ? 1 : Math.max(0, end - at);
  const period = whole ? 1 : end - start;
  const most = share(all + credit, part, period, currency);
  const least = isWinnerChanged && whole ? 0 : share(free + credit, part, period, currency);
  const to = !whole && isSameCustomer ? "balance" : "payment method";
  return { to, least: Math.min(least, most), most, credit: Math.min(most, credit) };
}
