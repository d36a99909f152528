/**
 * Checks what mails about money state against Stripe's state at the time when they were sent (contract 1.7: "no text states
 * what a fact does not"). It reads the text of the mails and uses no code of `src`.
 */
import type { Currency } from "#tests/properties/billing_history.ts";
import { isPeriodVoid, paidUntil } from "#tests/properties/money_oracle.ts";
import { isLiving, type Owned, type Snapshot } from "#tests/properties/stripe_snapshot.ts";
import type { SentMail } from "#tools/local/ses_double.ts";

const REJECTIONS = ["Duplicate Beak Subscription", "Your Beak subscription was replaced"];
const DECIMALS: Readonly<Record<Currency, number>> = { gbp: 2, jpy: 0, kwd: 3 };

export const isAboutRejection = (subject: string) => REJECTIONS.includes(subject);

/** Amounts in the smallest unit. */
export interface Amounts {
  refunded: number;
  credited: number;
}

/** @returns the sentences of mails that are not true now; empty if all are */
export function untrueSentences(
  mails: readonly SentMail[],
  snapshot: Snapshot,
  currency: Currency,
): string[] {
  const rejections = mails.filter(({ subject }) => isAboutRejection(subject));
  return [
    ...rejections.flatMap((mail) => faultsOfRejection(mail, snapshot)),
    ...mails.flatMap((mail) => faultsOfOther(mail, snapshot, currency)),
  ];
}

/** What mails state as refunded and credited. */
export function statedIn(mails: readonly SentMail[], currency: Currency): Amounts {
  const rejections = mails.filter(({ subject }) => isAboutRejection(subject));
  const stated = (pattern: RegExp) =>
    rejections.reduce((sum, { text }) => sum + amountIn(pattern.exec(text)?.[1] ?? "0", currency), 0);
  return {
    refunded: stated(/We refunded (.+?) to the payment method/),
    credited: stated(/We credited (.+?) to your balance/),
  };
}

function faultsOfRejection({ text }: SentMail, snapshot: Snapshot): string[] {
  const { subscriptions } = snapshot;
  const faults = [];
  if (!/We refunded |We credited /.test(text) && /refund|credit|money|paid for(?! until)/i.test(text))
    faults.push("a mail speaks of money although it states no amount");
  const canceled = /We canceled the (\w+) subscription that you bought on (.+?)\./.exec(text);
  if (!subscriptions.some((one) => !isLiving(one) && isNamed(one, canceled)))
    faults.push("the canceled subscription is not the one that the mail names");
  const living = subscriptions.filter(isLiving);
  const order = /We canceled the (later|earlier) one\./.exec(text)?.[1];
  if (order !== undefined && !hasOrder(subscriptions, canceled, order === "later"))
    faults.push(`the canceled subscription is not the ${order} one`);
  const stays = /Your .*? stays.*/.exec(text)?.[0];
  if (stays === undefined) return faults;
  const named = /Your (\w+) subscription that you bought on (.+?) stays/.exec(stays);
  const isTrue = living.some((one) => {
    if (stays.startsWith("Your trial stays"))
      return one.status === "trialing" && stays.includes(dayOf(Math.min(one.cancelAt ?? one.end, one.end)));
    if (!isNamed(one, named)) return false;
    if (/Payments for it are paused|Its last invoice was canceled/.test(stays))
      return isUncollected(one, stays);
    if (stays.includes("renews as before"))
      return one.status === "active" && !one.isEnding && one.pause === null && !isPeriodVoid(one);
    if (stays.includes("when it ends as scheduled"))
      return one.status === "active" && one.isEnding && stays.includes(dayOf(one.cancelAt ?? one.end));
    return stays.includes("unpaid invoice") && !["active", "trialing"].includes(one.status);
  });
  if (!isTrue) faults.push(`it is not so: ${stays}`);
  return faults;
}

function faultsOfOther({ subject, text }: SentMail, snapshot: Snapshot, currency: Currency): string[] {
  const living = snapshot.subscriptions.filter(isLiving);
  const trials = living.filter(({ status }) => status === "trialing");
  switch (subject) {
    case "Welcome to Beak!":
      return living.some(({ status }) => status === "active")
        ? []
        : ["a welcome says that the account is active, but it is not"];
    case "Your Beak Trial has begun!":
      return trials.some((one) => mayBeUnused(one, text) && isTrueOf(one, text, snapshot, currency))
        ? []
        : [`the welcome to the trial is not true: ${text.split("\n")[2]}`];
    case "Your Beak trial ends soon":
      return trials.some((one) => isTrueOf(one, text, snapshot, currency))
        ? []
        : [`the reminder is not true: ${text.split("\n").slice(2, 5)}`];
    default:
      return [];
  }
}

/** Whether a mail's sentence about paused payments or a canceled invoice is true, and names the day until which it is paid for. */
function isUncollected(one: Owned, stays: string): boolean {
  const isPause = stays.includes("Payments for it are paused");
  if (one.status !== "active" || (isPause ? one.pause === null : !isPeriodVoid(one))) return false;
  const isDayDue = isPeriodVoid(one);
  return (
    stays.includes("It is paid for until") === isDayDue &&
    (!isDayDue || stays.includes(dayOf(paidUntil(one))))
  );
}

/** Whether a subscription can be the unused trial of a mail that says so. Its owner did not schedule the end. */
function mayBeUnused({ isTrial, isEnding, isEndScheduledByNest }: Owned, text: string): boolean {
  if (!text.includes("Your trial is ready.")) return true;
  return isTrial && (!isEnding || isEndScheduledByNest) && !text.includes("has begun");
}

/** Whether a mail states the end of a trial, and what is charged then. */
function isTrueOf(one: Owned, text: string, { customers }: Snapshot, currency: Currency): boolean {
  const { hasCard = false, balance = 0 } = customers.get(one.customer) ?? {};
  // A cancellation after the end of the trial comes after the first payment.
  const isCharged = hasCard && (one.cancelAt === null || one.cancelAt > one.end);
  if (!text.includes(dayOf(Math.min(one.cancelAt ?? one.end, one.end)))) return false;
  if (/nothing is charged (until|\.)|and nothing is charged\.\n/.test(text)) return !isCharged;
  if (text.includes("nothing is charged on that day")) return isCharged && one.amount + balance <= 0;
  const stated = /is charged (\S+?)\.(?=\s)/.exec(text)?.[1];
  if (!isCharged) return false;
  return stated === undefined || amountIn(stated, currency) === one.amount + balance;
}

/** Whether a subscription that ended was bought later, or earlier, than one of the same name that has not ended. */
function hasOrder(all: readonly Owned[], name: RegExpExecArray | null, isLater: boolean): boolean {
  const named = all.filter((one) => isNamed(one, name));
  return named.some(
    (ended) =>
      !isLiving(ended) &&
      named.some(
        (kept) => isLiving(kept) && (isLater ? ended.created > kept.created : ended.created < kept.created),
      ),
  );
}

function isNamed(one: Owned, match: RegExpExecArray | null): boolean {
  return match !== null && match[1] === `${one.interval}ly` && match[2] === dayOf(one.created);
}

/** A day as mails write it. */
function dayOf(seconds: number): string {
  const date = new Date(seconds * 1000);
  const days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
  const months =
    "January February March April May June July August September October November December".split(" ");
  return `${days[date.getUTCDay()]} ${date.getUTCDate()} ${months[date.getUTCMonth()]} ${date.getUTCFullYear()}`;
}

/** An amount of a mail, such as `£4.99`, in the smallest unit. */
function amountIn(words: string, currency: Currency): number {
  const digits = words.replaceAll(/[^\d.]/g, "");
  return Math.round(Number(digits) * 10 ** DECIMALS[currency]);
}
