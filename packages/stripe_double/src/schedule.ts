import type { Account } from "./account.ts";
import { cancelNow, cardOf, endAsScheduled, expire, openInvoice, pause, renew, retry } from "./billing.ts";
import { timeOf } from "./clock_time.ts";
import { emit } from "./events.ts";
import { DAY, HOUR } from "./periods.ts";
import { isOver, periodEndOf } from "./subscription_object.ts";
import type { Subscription } from "./types.ts";

/** How long Stripe waits for a first payment. */
const FIRST_PAYMENT = 23 * HOUR;
const TRIAL_NOTICE = 3 * DAY;

interface Moment {
  at: number;
  run: () => void;
}

/** Does everything that has fallen due by now, each thing at its own moment and in order of time; on a test clock, by its time. */
export function runDueTasks(account: Account): void {
  for (;;) {
    let next: Moment | null = null;
    for (const subscription of account.tables.subscriptions.values()) {
      const moment = nextMoment(account, subscription);
      const isDue = moment !== null && moment.at <= timeOf(account, subscription.customer);
      if (isDue && (next === null || moment.at < next.at)) next = moment;
    }
    if (next === null) return;
    account.at(next.at, next.run);
  }
}

/** Moves the clock and lives through what lies between. */
export function advance(account: Account, seconds: number): void {
  if (!Number.isFinite(seconds) || seconds < 0) throw new RangeError("Time only moves forward");
  runDueTasks(account);
  account.advance(Math.floor(seconds));
  runDueTasks(account);
}

function nextMoment(account: Account, subscription: Subscription): Moment | null {
  if (isOver(subscription)) return null;
  const moments = momentsOf(account, subscription);
  const { cancel_at: end } = subscription;
  // First, because a subscription that ends at the end of its period is not renewed then.
  if (end !== null) moments.unshift({ at: end, run: () => endAsScheduled(account, subscription) });
  return moments.reduce<Moment | null>(
    (first, moment) => (first && first.at <= moment.at ? first : moment),
    null,
  );
}

function momentsOf(account: Account, subscription: Subscription): Moment[] {
  switch (subscription.status) {
    case "incomplete":
      return [{ at: subscription.created + FIRST_PAYMENT, run: () => expire(account, subscription) }];
    case "trialing":
      return trialMoments(account, subscription);
    case "active":
      return renewals(account, subscription);
    case "past_due": {
      const attempt = openInvoice(account, subscription)?.next_payment_attempt;
      const next = attempt ? [{ at: attempt, run: () => void retry(account, subscription) }] : [];
      return [...next, ...renewals(account, subscription)];
    }
    default:
      return [];
  }
}

function renewals(account: Account, subscription: Subscription): Moment[] {
  const at = periodEndOf(subscription);
  return Number.isFinite(at) ? [{ at, run: () => renew(account, subscription, at) }] : [];
}

function trialMoments(account: Account, subscription: Subscription): Moment[] {
  const end = subscription.trial_end ?? periodEndOf(subscription);
  const announcement = `${subscription.id}:${end}`;
  const moments: Moment[] = [{ at: end, run: () => endTrial(account, subscription, end) }];
  if (!account.announcedTrials.has(announcement)) {
    moments.unshift({
      at: Math.min(end, Math.max(end - TRIAL_NOTICE, subscription.trial_start ?? 0)),
      run() {
        account.announcedTrials.add(announcement);
        emit(account, "customer.subscription.trial_will_end", subscription);
      },
    });
  }
  return moments;
}

function endTrial(account: Account, subscription: Subscription, end: number): void {
  const whatIf = subscription.trial_settings?.end_behavior.missing_payment_method;
  if (cardOf(account, subscription) !== null || whatIf === "create_invoice")
    renew(account, subscription, end);
  else if (whatIf === "pause") pause(account, subscription);
  else cancelNow(account, subscription, null);
}
