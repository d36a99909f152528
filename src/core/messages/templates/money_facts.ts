import type { Money } from "#core/messages/formats.ts";
import type { Wording } from "#core/messages/wording.ts";

/** A subscription as a mail names it. */
export interface SubscriptionFacts {
  /** How often it charges, such as every 1 `month`. */
  interval: "day" | "week" | "month" | "year";
  intervalCount: number;
  /** When it was bought, ISO 8601. */
  boughtAt: string;
}

/** The subscription that is kept. */
export interface KeptFacts extends SubscriptionFacts {
  /** `paused`: its collection is paused. `invoice_closed`: it is active, but its last invoice was voided or marked uncollectible. */
  status: "renewing" | "ending" | "trialing" | "payment_due" | "paused" | "invoice_closed";
  /**
   * When it ends (`ending`), its trial ends (`trialing`), or its paid period ends (`invoice_closed`, and `paused` if the pause
   * grants no access), ISO 8601; else null.
   */
  endsAt: string | null;
  /** The length in days that a trial gets from its first use. Null or absent if no use moves its end. */
  daysFromFirstUse?: number | null;
}

/** Everything that a mail about a rejected subscription states. */
export interface RejectionFacts {
  kind: "duplicate" | "replaced";
  canceled: SubscriptionFacts & {
    /** Its first payment was made, or its trial began. */
    hadStarted: boolean;
  };
  /** Null if no subscription is kept. */
  kept: KeptFacts | null;
  /** What Stripe accepted to refund to payment methods; null if nothing. */
  refunded: Money | null;
  /** What was credited to the customer's balance; null if nothing. */
  credited: Money | null;
  /** Whether the kept subscription belongs to another customer at Stripe, whose invoices do not use the credit. */
  isCreditOfOtherCustomer: boolean;
}

/** Everything that the welcome to a trial states. */
export interface TrialFacts {
  /** When it ends as things stand, ISO 8601. */
  endsAt: string;
  /** The length in days that the trial gets from its first use; null if it was used, or if no use moves its end. */
  daysFromFirstUse: number | null;
  /** What happens to the payment method when the trial ends; null if nothing is charged then. */
  charge: {
    /** Null if unknown. */
    money: Money | null;
  } | null;
}

/** Such as `monthly subscription that you bought on Saturday 12 December 2026`. */
function named({ interval, intervalCount, boughtAt }: SubscriptionFacts, wording: Wording): string {
  const day = wording.day(boughtAt);
  return wording.fillPlural(wording.texts.subscription[interval], intervalCount, { day });
}

function daysBegin(days: number, wording: Wording): string {
  return wording.fillPlural(wording.texts.trial.daysBegin, days);
}

/** What becomes of the subscription that is kept, in one paragraph. */
function keptSentences(kept: KeptFacts, wording: Wording): string {
  const { rejection, trial } = wording.texts;
  const { status, endsAt, daysFromFirstUse = null } = kept;
  const day = endsAt === null ? "" : wording.day(endsAt);
  const about = (text: string) => wording.fill(text, { subscription: named(kept, wording), day });
  const paidUntil = endsAt === null ? [] : [about(rejection.paidUntil)];
  switch (status) {
    case "renewing":
      return about(rejection.renewing);
    case "ending":
      return about(rejection.ending);
    case "payment_due":
      return about(rejection.paymentDue);
    case "paused":
      return [about(rejection.paused), ...paidUntil].join(" ");
    case "invoice_closed":
      return [about(rejection.invoiceClosed), ...paidUntil].join(" ");
    case "trialing":
      if (daysFromFirstUse === null) return about(rejection.trialing);
      return [about(rejection.trialUnused), daysBegin(daysFromFirstUse, wording), about(trial.unused)].join(
        " ",
      );
  }
}

/**
 * The sentences of a mail about a rejected subscription. Each sentence states one fact. A fact that is null has no
 * sentence.
 */
export function rejectionSentences(facts: RejectionFacts, wording: Wording): string[] {
  const { kind, canceled, kept, refunded, credited, isCreditOfOtherCustomer } = facts;
  const { rejection } = wording.texts;
  const say = (text: string, money: Money) => wording.fill(text, { amount: wording.money(money) });
  const use = wording.fill(isCreditOfOtherCustomer ? rejection.creditIsNotUsed : rejection.creditIsUsed);
  return [
    wording.fill(wording.texts[kind].opening),
    wording.fill(rejection.canceled, { subscription: named(canceled, wording) }),
    ...orderSentences(canceled, kept, wording),
    ...(refunded ? [say(rejection.refunded, refunded)] : []),
    ...(credited ? [`${say(rejection.credited, credited)} ${use}`] : []),
    ...(kept ? [keptSentences(kept, wording)] : []),
  ];
}

/** Says which of two subscriptions was canceled, if the mail names both by the same words. */
function orderSentences(canceled: SubscriptionFacts, kept: KeptFacts | null, wording: Wording): string[] {
  if (kept === null || kept.status === "trialing" || named(canceled, wording) !== named(kept, wording))
    return [];
  const later = Date.parse(canceled.boughtAt) - Date.parse(kept.boughtAt);
  if (later === 0) return [];
  return [wording.fill(wording.texts.rejection[later > 0 ? "later" : "earlier"])];
}

/** Whether a rejection is worth a mail: a subscription that had started was canceled, or money was returned. */
export function isRejectionMailDue({ canceled, refunded, credited }: RejectionFacts): boolean {
  return canceled.hadStarted || refunded !== null || credited !== null;
}

/** The sentences of the welcome to a trial. */
export function trialSentences(facts: TrialFacts, wording: Wording): string[] {
  const { trial } = wording.texts;
  const { daysFromFirstUse, charge } = facts;
  const day = wording.day(facts.endsAt);
  if (daysFromFirstUse !== null) return unusedTrialSentences(daysFromFirstUse, day, charge, wording);
  if (charge === null) return [wording.fill(trial.activeFree, { day })];
  const active = wording.fill(trial.active, { day });
  const { money } = charge;
  if (money?.amount === 0) return [active, wording.fill(trial.freeThen)];
  const charged = money
    ? wording.fill(trial.amountChargedThen, { amount: wording.money(money) })
    : wording.fill(trial.chargedThen);
  return [active, charged, wording.fill(trial.cancelBeforeDay)];
}

/** A stranger may have requested this trial, and its end moves at its first use. No sentence says that it has begun. */
function unusedTrialSentences(
  days: number,
  day: string,
  charge: TrialFacts["charge"],
  wording: Wording,
): string[] {
  const { trial } = wording.texts;
  const ready = [wording.fill(trial.ready), daysBegin(days, wording)];
  if (charge === null) return [...ready, wording.fill(trial.unusedFree, { day })];
  const unused = wording.fill(trial.unused, { day });
  const { money } = charge;
  if (money?.amount === 0) return [...ready, unused, wording.fill(trial.freeAtEnd)];
  const charged = money
    ? wording.fill(trial.amountChargedAtEnd, { amount: wording.money(money) })
    : wording.fill(trial.chargedAtEnd);
  return [...ready, unused, charged, wording.fill(trial.cancelBeforeEnd)];
}
