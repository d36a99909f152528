/**
 * Decides which subscription is kept and what is refunded, as contract 1.7 states it. This file uses no code of `src`.
 */
import type { Payment, Snapshot, SubscriptionState } from "#tests/properties/stripe_snapshot.ts";

export type Kind = "duplicate" | "replaced";

/** Whether an invoice of a subscription was ever paid: by a payment, from the balance, or outside Stripe. */
export function wasEverPaid({ invoices }: SubscriptionState): boolean {
  return invoices.some(
    ({ payments, creditUsed, isOutOfBand, status }) =>
      status === "paid" && (payments.length > 0 || creditUsed > 0 || isOutOfBand),
  );
}

/** Whether an active subscription was never paid and its first invoice is open: a bank debit is processing. */
export function isFirstPaymentPending(one: SubscriptionState): boolean {
  return one.status === "active" && !wasEverPaid(one) && one.invoices.some(({ status }) => status === "open");
}

const DAY = 86_400;

/**
 * The end of the last period that was paid, but at most the end of the current period: a change of interval credits the
 * rest of the old period. A trial's invoice with a total of 0 counts as paid.
 */
export function paidUntil({ invoices, created, end }: SubscriptionState): number {
  return Math.min(
    invoices.findLast(({ status, isOurs }) => status === "paid" && isOurs)?.end ?? created,
    end,
  );
}

/** Whether the current period of an active subscription is not charged, because its invoice is voided. */
export function isPeriodVoid({ status, pause, invoices }: SubscriptionState): boolean {
  return status === "active" && (pause === "void" || invoices.at(-1)?.status === "void");
}

/** The rank of a subscription. The lowest rank is kept. */
function rankOf(one: SubscriptionState, now: number): number {
  const wasPaid = wasEverPaid(one);
  // Its first payment, a bank debit, is processing.
  if (isFirstPaymentPending(one)) return 7;
  const grantsNothing = isPeriodVoid(one) && paidUntil(one) + DAY <= now;
  if (one.status === "active" && !grantsNothing) return one.isEnding ? 2 : 1;
  if ((one.status === "past_due" || grantsNothing) && wasPaid) return 3;
  // A trial never replaces a subscription that was ever paid.
  if (one.status !== "incomplete" && one.status !== "trialing" && wasPaid) return 4;
  if (one.status === "trialing") return 5;
  return one.status === "incomplete" ? 7 : 6;
}

const byAge = (one: SubscriptionState, other: SubscriptionState) =>
  one.created - other.created || (one.id < other.id ? -1 : 1);

/** Whether the newer of two renewing subscriptions is a change of plan: another price, bought by the user's customer. */
function changesPlan(
  older: SubscriptionState,
  newer: SubscriptionState,
  { ownCustomers }: Snapshot,
): boolean {
  return (
    newer.price !== older.price && (newer.customer === older.customer || ownCustomers.has(newer.customer))
  );
}

/** Whether a loser was for our product before the winner was changed to it. Then the loser is no duplicate. */
function wasUsedFirst(loser: SubscriptionState, winner: SubscriptionState): boolean {
  const { changedToOursAt } = winner;
  return changedToOursAt !== null && (loser.changedToOursAt ?? loser.created) < changedToOursAt;
}

/** The winner to which a subscription loses, and the kind of its rejection. */
export interface Loss {
  kind: Kind;
  winner: SubscriptionState;
}

/**
 * The losers among subscriptions that have not ended, by id. Several purchases can reach Nest at once, so Nest may compare
 * a loser with the subscription that it keeps in the end, or with one that it kept before. Each is a loss of its own.
 */
export function losersOf(ongoing: readonly SubscriptionState[], snapshot: Snapshot): Map<string, Loss[]> {
  const losers = new Map<string, Loss[]>();
  const add = (id: string, kind: Kind, winner: SubscriptionState) =>
    losers.set(id, [...(losers.get(id) ?? []), { kind, winner }]);
  if (ongoing.length === 0) return losers;
  const kindOf = (loser: SubscriptionState, winner: SubscriptionState): Kind => {
    if (byAge(loser, winner) < 0) return "replaced";
    return wasUsedFirst(loser, winner) ? "replaced" : "duplicate";
  };
  const rank = (one: SubscriptionState) => rankOf(one, snapshot.now);
  const best = Math.min(...ongoing.map(rank));
  const [oldest, ...later] = ongoing.filter((one) => rank(one) === best).toSorted(byAge);
  if (oldest === undefined) return losers;
  let kept = oldest;
  for (const next of later) {
    if (best === 1 && changesPlan(kept, next, snapshot)) {
      add(kept.id, "replaced", next);
      kept = next;
    } else add(next.id, kindOf(next, kept), kept);
  }
  for (const one of ongoing) {
    if (one.id !== kept.id && (!isFirstPaymentPending(one) || losesWhilePending(one, kept, snapshot)))
      add(one.id, kindOf(one, kept), kept);
  }
  return losers;
}

/**
 * Whether a subscription whose first payment is pending loses already: to a later purchase of the person's own customer,
 * or because it would also lose if it were paid.
 */
function losesWhilePending(one: SubscriptionState, kept: SubscriptionState, snapshot: Snapshot): boolean {
  if (rankOf(kept, snapshot.now) > 2) return false;
  const isByPerson = kept.customer === one.customer || snapshot.ownCustomers.has(kept.customer);
  if (isByPerson && byAge(one, kept) < 0) return true;
  const invoices = one.invoices.map((invoice) => ({ ...invoice, status: "paid", isOutOfBand: true }));
  return losersOf([kept, { ...one, invoices }], snapshot).has(one.id);
}

/** What Nest must return for one canceled subscription, in the smallest unit of the currency. */
export interface Debt {
  /** The payment method if the subscription is a duplicate or the winner has another customer; else the balance. */
  to: "payment method" | "balance";
  /** The least amount. It is below `most` while disputes are open or lost, because disputed payments are not refunded. */
  least: number;
  most: number;
  /** The part of `most` that was paid from the balance and is credited to it. */
  credit: number;
}

/** The smallest amount that Stripe accepts, if it is not 1. */
const STEP: Readonly<Record<string, number>> = { kwd: 10 };

/** The share `part / whole` of an amount, rounded up to the smallest amount that Stripe accepts. */
function share(amount: number, part: number, whole: number, currency: string): number {
  const step = STEP[currency] ?? 1;
  if (amount <= 0 || part <= 0) return 0;
  const steps = (BigInt(amount) * BigInt(part) + BigInt(whole * step) - 1n) / BigInt(whole * step);
  return Math.min(amount, Number(steps) * step);
}

/** A rejection that contract 1.7 allows. */
export interface AllowedRejection {
  kind: Kind;
  /** The loser before Nest canceled it. */
  loser: SubscriptionState;
  /** Whether the winner has the same customer. */
  isSameCustomer: boolean;
  /** Whether the winner was for another product before. Then earlier payments of a duplicate need not be returned. */
  isWinnerChanged: boolean;
  /** When Nest canceled the loser, in Unix seconds. */
  at: number;
}

/**
 * What contract 1.7 requires Nest to return for a rejection.
 * @param now the loser at the end of the history, when payments may have been settled and disputes closed
 * @param refundedBefore what others than Nest refunded, by charge
 */
export function debtOf(
  { kind, loser, isSameCustomer, isWinnerChanged, at }: AllowedRejection,
  now: SubscriptionState,
  refundedBefore: ReadonlyMap<string, number>,
): Debt {
  const whole = kind === "duplicate";
  const { start, end, currency } = loser;
  const isPaidStatus = loser.status === "active" || loser.status === "trialing";
  const invoices = now.invoices.filter(({ isOurs }) => isOurs);
  const counted = whole
    ? invoices
    : invoices.filter((one) => isPaidStatus && one.start >= start && one.end <= end && one.end > one.start);
  const left = ({ charge, paid }: Payment) => Math.max(0, paid - (refundedBefore.get(charge) ?? 0));
  const payments = counted.flatMap((invoice) => invoice.payments);
  const sum = (some: readonly Payment[]) => some.reduce((total, one) => total + left(one), 0);
  // Stripe credited this to the balance when the interval was changed.
  const credited = whole ? counted.reduce((total, { credited }) => total + credited, 0) : 0;
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
