import type { Account } from "./account.ts";
import {
  cancelNow,
  cardOf,
  endAsScheduled,
  expire,
  openInvoice,
  pause,
  renew,
  retryPayment,
} from "./billing.ts";
import { expireCheckout } from "./checkout.ts";
import { customerTime } from "./clock_time.ts";
import { change, emit } from "./events.ts";
import { paymentOf } from "./invoices.ts";
import { discardPendingUpdate } from "./pending_updates.ts";
import { DAY_SECONDS, HOUR_SECONDS } from "./periods.ts";
import { isOver, periodEndOf } from "./subscription_object.ts";
import type { Subscription } from "./types.ts";

/** An incomplete subscription expires when its first payment is not made within this time. */
const FIRST_PAYMENT_SECONDS = 23 * HOUR_SECONDS;
/** How long before the end of a trial `customer.subscription.trial_will_end` is sent. */
const TRIAL_NOTICE_SECONDS = 3 * DAY_SECONDS;

/** Something that happens at a time (Unix seconds), such as the renewal of a subscription. */
interface ScheduledTask {
  at: number;
  run: () => void;
}

/**
 * Runs every task that is due, in order of time, each at its own time. For a customer on a test clock, that clock decides
 * what is due.
 */
export function runDueTasks(account: Account): void {
  for (;;) {
    let next: ScheduledTask | null = null;
    for (const subscription of account.tables.subscriptions.values()) {
      const task = nextTask(account, subscription);
      const isDue = task !== null && task.at <= customerTime(account, subscription.customer);
      if (isDue && (next === null || task.at < next.at)) next = task;
    }
    for (const session of account.tables.checkoutSessions.values()) {
      const { status, expires_at: at } = session;
      const isDue = status === "open" && at <= customerTime(account, String(session.customer));
      if (isDue && (next === null || at < next.at))
        next = { at, run: () => void expireCheckout(account, session) };
    }
    if (next === null) return;
    account.at(next.at, next.run);
  }
}

/**
 * Advances the account's clock and runs everything that falls due.
 * @throws RangeError if `seconds` is negative or not finite
 */
export function advanceTime(account: Account, seconds: number): void {
  if (!Number.isFinite(seconds) || seconds < 0) throw new RangeError("Time can only move forward.");
  runDueTasks(account);
  account.advance(Math.floor(seconds));
  runDueTasks(account);
}

function nextTask(account: Account, subscription: Subscription): ScheduledTask | null {
  if (isOver(subscription)) return null;
  const tasks = upcomingTasks(account, subscription);
  const { cancel_at: end } = subscription;
  // Of tasks at the same time the first one wins: a subscription that ends with its period is not renewed.
  if (end !== null) tasks.unshift({ at: end, run: () => endAsScheduled(account, subscription) });
  const { pause_collection: paused } = subscription;
  // Collection that resumes when a period ends collects that period's invoice.
  if (paused?.resumes_at)
    tasks.unshift({ at: paused.resumes_at, run: () => collectAgain(account, subscription) });
  // An update that expires at the end of a period does not change the next one.
  const { pending_update: pending } = subscription;
  if (pending)
    tasks.unshift({ at: pending.expires_at, run: () => discardPendingUpdate(account, subscription) });
  return tasks.reduce<ScheduledTask | null>(
    (first, task) => (first && first.at <= task.at ? first : task),
    null,
  );
}

function collectAgain(account: Account, subscription: Subscription): void {
  change(account, subscription, { pause_collection: null }, "customer.subscription.updated");
}

function upcomingTasks(account: Account, subscription: Subscription): ScheduledTask[] {
  switch (subscription.status) {
    case "incomplete":
      if (isProcessing(account, subscription)) return [];
      return [{ at: subscription.created + FIRST_PAYMENT_SECONDS, run: () => expire(account, subscription) }];
    case "trialing":
      return trialTasks(account, subscription);
    case "active":
      return renewalTasks(account, subscription);
    case "past_due": {
      const attempt = openInvoice(account, subscription)?.next_payment_attempt;
      const retries = attempt ? [{ at: attempt, run: () => void retryPayment(account, subscription) }] : [];
      return [...retries, ...renewalTasks(account, subscription)];
    }
    default:
      return [];
  }
}

/** Whether the first payment, a bank debit, is processing. */
function isProcessing(account: Account, subscription: Subscription): boolean {
  const invoice = openInvoice(account, subscription);
  return invoice !== null && paymentOf(account, invoice)?.intent.status === "processing";
}

function renewalTasks(account: Account, subscription: Subscription): ScheduledTask[] {
  const at = Math.min(...subscription.items.data.map(({ current_period_end }) => current_period_end));
  return Number.isFinite(at) ? [{ at, run: () => renew(account, subscription, at) }] : [];
}

function trialTasks(account: Account, subscription: Subscription): ScheduledTask[] {
  const end = subscription.trial_end ?? periodEndOf(subscription);
  const announcement = `${subscription.id}:${end}`;
  const movedAt = account.movedTrials.get(announcement) ?? 0;
  const tasks: ScheduledTask[] = [{ at: end, run: () => endTrial(account, subscription, end) }];
  if (!account.announcedTrials.has(announcement)) {
    tasks.unshift({
      at: Math.min(end, Math.max(end - TRIAL_NOTICE_SECONDS, subscription.trial_start ?? 0, movedAt)),
      run() {
        account.announcedTrials.add(announcement);
        emit(account, "customer.subscription.trial_will_end", subscription);
      },
    });
  }
  return tasks;
}

function endTrial(account: Account, subscription: Subscription, end: number): void {
  const withoutCard = subscription.trial_settings?.end_behavior.missing_payment_method;
  if (cardOf(account, subscription) !== null || withoutCard === "create_invoice")
    renew(account, subscription, end);
  else if (withoutCard === "pause") pause(account, subscription);
  else cancelNow(account, subscription, null);
}
