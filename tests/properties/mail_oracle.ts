/**
 * Checks what mails about money state against Stripe's state at the time when they were sent (contract 1.7: "no text states
 * what a fact does not"). It reads the text of the mails and uses no code of `src`.
 */
import type { Currency } from "#tests/properties/billing_history.ts";
import { isPeriodVoid, paidUntil } from "#tests/properties/money_oracle.ts";
import { isOngoing, type Snapshot, type SubscriptionState } from "#tests/properties/stripe_snapshot.ts";
import type { SentMail } from "#tools/local/ses_double.ts";

const REJECTIONS = ["Duplicate Beak Subscription", "Your Beak subscription was replaced"];
const DECIMALS: Readonly<Record<Currency, number>> = { gbp: 2, jpy: 0, kwd: 3 };

/** Whether the subject is that of a mail about a rejected subscription. */
export const isAboutRejection = (subject: string) => REJECTIONS.includes(subject);

/** Amounts in the smallest unit. */
export interface Amounts {
  refunded: number;
  credited: number;
}

/** Facts on which the truth of a mail depends in addition to Stripe's state. */
export interface MailContext {
  currency: Currency;
  /** Whether the status was never read, so that no trial can have been used. */
  isTrialUnused: boolean;
}

/**
 * @param snapshots the states at Stripe in which the mails can have been sent, the newest first
 * @returns the sentences of mails that are true in none of the states; empty if all are true
 */
export function untrueSentences(
  mails: readonly SentMail[],
  snapshots: readonly [Snapshot, ...Snapshot[]],
  context: MailContext,
): string[] {
  return mails.flatMap((mail) => {
    const [now, ...earlier] = snapshots;
    const errorsIn = (snapshot: Snapshot) =>
      isAboutRejection(mail.subject)
        ? errorsInRejectionMail(mail, snapshot, context)
        : errorsInOtherMail(mail, snapshot, context);
    return earlier.some((snapshot) => errorsIn(snapshot).length === 0) ? [] : errorsIn(now);
  });
}

/** The sums that mails state as refunded and as credited. */
export function statedIn(mails: readonly SentMail[], currency: Currency): Amounts {
  const rejectionMails = mails.filter(({ subject }) => isAboutRejection(subject));
  const stated = (pattern: RegExp) =>
    rejectionMails.reduce((sum, { text }) => sum + amountIn(pattern.exec(text)?.[1] ?? "0", currency), 0);
  return {
    refunded: stated(/We refunded (.+?) to the payment method/),
    credited: stated(/We credited (.+?) to your balance/),
  };
}

function errorsInRejectionMail({ text }: SentMail, snapshot: Snapshot, context: MailContext): string[] {
  const { subscriptions } = snapshot;
  const errors = [];
  if (!/We refunded |We credited /.test(text) && /refund|credit|money|paid for(?! until)/i.test(text))
    errors.push("a mail about a rejection mentions money but states no amount");
  const canceled = /We canceled the (\w+) subscription that you bought on (.+?)\./.exec(text);
  if (!subscriptions.some((one) => !isOngoing(one) && isNamed(one, canceled)))
    errors.push("no canceled subscription has the interval and the day that the mail names");
  const ongoing = subscriptions.filter(isOngoing);
  const order = /We canceled the (later|earlier) one\./.exec(text)?.[1];
  if (order !== undefined && !hasOrder(subscriptions, canceled, order === "later"))
    errors.push(`the canceled subscription is not the ${order} one, as the mail states`);
  const stays = /Your .*? stays.*/.exec(text)?.[0];
  if (stays === undefined) return errors;
  const named = /Your (\w+) subscription that you bought on (.+?) stays/.exec(stays);
  // Purchases are at least a second apart, so one of two is always the later one.
  if (order === undefined && canceled && named && canceled[1] === named[1] && canceled[2] === named[2])
    errors.push(
      "the mail names both subscriptions by the same words, and does not say which one was canceled",
    );
  const isTrue = ongoing.some((one) => {
    if (stays.startsWith("Your trial stays"))
      return one.status === "trialing" && statesEnd(one, stays) && statesUse(one, stays, context);
    if (!isNamed(one, named)) return false;
    if (/Payments for it are paused|Its last invoice was canceled/.test(stays))
      return isUncollected(one, stays);
    if (stays.includes("renews as before"))
      return one.status === "active" && !one.isEnding && one.pause === null && !isPeriodVoid(one);
    if (stays.includes("when it ends as scheduled"))
      return one.status === "active" && one.isEnding && stays.includes(dayOf(one.cancelAt ?? one.end));
    return stays.includes("unpaid invoice") && !["active", "trialing"].includes(one.status);
  });
  if (!isTrue) errors.push(`this sentence is not true: ${stays}`);
  return errors;
}

function errorsInOtherMail({ subject, text }: SentMail, snapshot: Snapshot, context: MailContext): string[] {
  const { currency } = context;
  const ongoing = snapshot.subscriptions.filter(isOngoing);
  const trials = ongoing.filter(({ status }) => status === "trialing");
  switch (subject) {
    case "Welcome to Beak!":
      return ongoing.some(({ status }) => status === "active")
        ? []
        : ["the welcome states that the subscription is active, but none is"];
    case "Your Beak Trial has begun!":
      return trials.some(
        (one) => statesUse(one, text, context) && isTrueAboutTrial(one, text, snapshot, currency),
      )
        ? []
        : [`the welcome to the trial states what is not true: ${text.split("\n")[2]}`];
    case "Your Beak trial ends soon":
      return trials.some((one) => isTrueAboutTrial(one, text, snapshot, currency))
        ? []
        : [`the reminder of the end of the trial states what is not true: ${text.split("\n").slice(2, 5)}`];
    default:
      return [];
  }
}

/** Whether a mail's sentence about paused payments or a canceled invoice is true, and so is the day that it names. */
function isUncollected(one: SubscriptionState, stays: string): boolean {
  const isPause = stays.includes("Payments for it are paused");
  if (one.status !== "active" || (isPause ? one.pause === null : !isPeriodVoid(one))) return false;
  const isDayDue = isPeriodVoid(one);
  return (
    stays.includes("It is paid for until") === isDayDue &&
    (!isDayDue || stays.includes(dayOf(paidUntil(one))))
  );
}

/**
 * Whether a mail describes the use of a trial correctly. The first use of a trial moves its end, unless its owner scheduled
 * the end. The mail must say so of an unused trial, and of no other.
 */
function statesUse(
  { isTrial, isEnding, isEndScheduledByNest }: SubscriptionState,
  text: string,
  { isTrialUnused }: MailContext,
): boolean {
  const isMovable = isTrial && (!isEnding || isEndScheduledByNest);
  if (/when you first use it/.test(text)) return isMovable && !text.includes("has begun");
  return !(isMovable && isTrialUnused);
}

/** Whether a mail names the day on which a trial ends as things stand. */
function statesEnd({ cancelAt, end }: SubscriptionState, text: string): boolean {
  return text.includes(dayOf(Math.min(cancelAt ?? end, end)));
}

/** Whether a mail states the correct end of a trial, and the correct charge at that time. */
function isTrueAboutTrial(
  one: SubscriptionState,
  text: string,
  { customers }: Snapshot,
  currency: Currency,
): boolean {
  const { hasCard = false, balance = 0 } = customers.get(one.customer) ?? {};
  // If the cancellation is scheduled after the end of the trial, the first payment is charged.
  const isCharged = hasCard && (one.cancelAt === null || one.cancelAt > one.end);
  if (!statesEnd(one, text)) return false;
  if (/nothing is charged (until|\.)|and nothing is charged\.\n/.test(text)) return !isCharged;
  if (text.includes("nothing is charged on that day")) return isCharged && one.amount + balance <= 0;
  const stated = /is charged (\S+?)\.(?=\s)/.exec(text)?.[1];
  if (!isCharged) return false;
  return stated === undefined || amountIn(stated, currency) === one.amount + balance;
}

/**
 * Whether "later" or "earlier" in a mail is true. The mail names an interval and a day of purchase. Two subscriptions with
 * both must exist: an ended one, which was bought later (or earlier) than the other one, which has not ended.
 */
function hasOrder(
  all: readonly SubscriptionState[],
  name: RegExpExecArray | null,
  isLater: boolean,
): boolean {
  const named = all.filter((one) => isNamed(one, name));
  return named.some(
    (ended) =>
      !isOngoing(ended) &&
      named.some(
        (kept) => isOngoing(kept) && (isLater ? ended.created > kept.created : ended.created < kept.created),
      ),
  );
}

/** Whether a subscription has the interval and the day of purchase that a mail names. */
function isNamed(one: SubscriptionState, match: RegExpExecArray | null): boolean {
  return match !== null && match[1] === `${one.interval}ly` && match[2] === dayOf(one.created);
}

/** A day in the format of the mails. */
function dayOf(seconds: number): string {
  const date = new Date(seconds * 1000);
  const days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
  const months =
    "January February March April May June July August September October November December".split(" ");
  return `${days[date.getUTCDay()]} ${date.getUTCDate()} ${months[date.getUTCMonth()]} ${date.getUTCFullYear()}`;
}

/** Parses an amount of a mail, such as `£4.99`. @returns the amount in the smallest unit */
function amountIn(words: string, currency: Currency): number {
  const digits = words.replaceAll(/[^\d.]/g, "");
  return Math.round(Number(digits) * 10 ** DECIMALS[currency]);
}
