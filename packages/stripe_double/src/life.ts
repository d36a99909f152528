import { cancelNow, cardOf, endAsScheduled, expire, openInvoice, pause, renew, retry } from "./billing.ts";
import { timeOf } from "./clock_time.ts";
import { emit } from "./events.ts";
import { DAY, HOUR } from "./periods.ts";
import { isOver, periodEndOf } from "./subscription_object.ts";
import type { Subscription } from "./types.ts";
import type { World } from "./world.ts";

/** How long Stripe waits for a first payment. */
const FIRST_PAYMENT = 23 * HOUR;
const TRIAL_NOTICE = 3 * DAY;

interface Moment {
  at: number;
  run: () => void;
}

/** Does everything that has fallen due by now, each thing at its own moment and in order of time; on a test clock, by its time. */
export function catchUp(world: World): void {
  for (;;) {
    let next: Moment | null = null;
    for (const subscription of world.tables.subscriptions.values()) {
      const moment = nextMoment(world, subscription);
      const isDue = moment !== null && moment.at <= timeOf(world, subscription.customer);
      if (isDue && (next === null || moment.at < next.at)) next = moment;
    }
    if (next === null) return;
    world.at(next.at, next.run);
  }
}

/** Moves the clock and lives through what lies between. */
export function advance(world: World, seconds: number): void {
  if (!Number.isFinite(seconds) || seconds < 0) throw new RangeError("Time only moves forward");
  catchUp(world);
  world.advance(Math.floor(seconds));
  catchUp(world);
}

function nextMoment(world: World, subscription: Subscription): Moment | null {
  if (isOver(subscription)) return null;
  const moments = momentsOf(world, subscription);
  const { cancel_at: end } = subscription;
  // First, because a subscription that ends at the end of its period is not renewed then.
  if (end !== null) moments.unshift({ at: end, run: () => endAsScheduled(world, subscription) });
  return moments.reduce<Moment | null>(
    (first, moment) => (first && first.at <= moment.at ? first : moment),
    null,
  );
}

function momentsOf(world: World, subscription: Subscription): Moment[] {
  switch (subscription.status) {
    case "incomplete":
      return [{ at: subscription.created + FIRST_PAYMENT, run: () => expire(world, subscription) }];
    case "trialing":
      return trialMoments(world, subscription);
    case "active":
      return renewals(world, subscription);
    case "past_due": {
      const attempt = openInvoice(world, subscription)?.next_payment_attempt;
      const next = attempt ? [{ at: attempt, run: () => void retry(world, subscription) }] : [];
      return [...next, ...renewals(world, subscription)];
    }
    default:
      return [];
  }
}

function renewals(world: World, subscription: Subscription): Moment[] {
  const at = periodEndOf(subscription);
  return Number.isFinite(at) ? [{ at, run: () => renew(world, subscription, at) }] : [];
}

function trialMoments(world: World, subscription: Subscription): Moment[] {
  const end = subscription.trial_end ?? periodEndOf(subscription);
  const announcement = `${subscription.id}:${end}`;
  const moments: Moment[] = [{ at: end, run: () => endTrial(world, subscription, end) }];
  if (!world.announcedTrials.has(announcement)) {
    moments.unshift({
      at: Math.min(end, Math.max(end - TRIAL_NOTICE, subscription.trial_start ?? 0)),
      run() {
        world.announcedTrials.add(announcement);
        emit(world, "customer.subscription.trial_will_end", subscription);
      },
    });
  }
  return moments;
}

function endTrial(world: World, subscription: Subscription, end: number): void {
  const whatIf = subscription.trial_settings?.end_behavior.missing_payment_method;
  if (cardOf(world, subscription) !== null || whatIf === "create_invoice") renew(world, subscription, end);
  else if (whatIf === "pause") pause(world, subscription);
  else cancelNow(world, subscription, null);
}
