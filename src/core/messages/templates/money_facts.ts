/** An amount as Stripe counts it. */
export interface Money {
  /** In the currency's smallest unit, as Stripe defines it. */
  amount: number;
  /** Three letters, lower case. */
  currency: string;
}

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

/** Currencies whose amounts have no decimals at Stripe (https://docs.stripe.com/currencies#zero-decimal). */
const ZERO_DECIMALS = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split(" ");
/** Currencies whose amounts have three decimals at Stripe. */
const THREE_DECIMALS = ["bhd", "jod", "kwd", "omr", "tnd"];

/** Formats an amount for a mail, such as `£4.99`. */
export function formatMoney({ amount, currency }: Money): string {
  const decimals = ZERO_DECIMALS.includes(currency) ? 0 : THREE_DECIMALS.includes(currency) ? 3 : 2;
  const unit = 10 ** decimals;
  const format = new Intl.NumberFormat("en-GB", {
    style: "currency",
    currency: currency.toUpperCase(),
    // Node shows no decimals for some currencies, although Stripe charges fractions of their unit.
    ...(amount % unit !== 0 && { minimumFractionDigits: decimals }),
  });
  return format.format(amount / unit);
}

/** Formats a date for a mail, such as `Saturday 12 December 2026`, in UTC. */
export function formatDay(iso: string): string {
  const format = new Intl.DateTimeFormat("en-GB", {
    weekday: "long",
    day: "numeric",
    month: "long",
    year: "numeric",
    timeZone: "UTC",
  });
  // Versions of Node differ in whether a comma follows the day of the week.
  return format.format(new Date(iso)).replace(",", "");
}

const ADJECTIVES = { day: "daily", week: "weekly", month: "monthly", year: "yearly" } as const;

/** Such as `monthly subscription that you bought on Saturday 12 December 2026`. */
function named({ interval, intervalCount, boughtAt }: SubscriptionFacts): string {
  const adjective = intervalCount === 1 ? ADJECTIVES[interval] : `${intervalCount}-${interval}`;
  return `${adjective} subscription that you bought on ${formatDay(boughtAt)}`;
}

const paidUntil = ({ endsAt }: KeptFacts) =>
  endsAt === null ? "" : ` It is paid for until ${formatDay(endsAt)}.`;

const daysBegin = (days: number) =>
  `${days === 1 ? "Its one day begins" : `Its ${days} days begin`} when you first use it.`;

const STAYS: Readonly<Record<KeptFacts["status"], (kept: KeptFacts) => string>> = {
  renewing: (kept) => `Your ${named(kept)} stays and renews as before. You do not need to do anything.`,
  ending: (kept) =>
    `Your ${named(kept)} stays until ${formatDay(kept.endsAt ?? "")}, when it ends as scheduled. You can change that in the billing portal: open Beak, choose your account, then billing.`,
  trialing: ({ endsAt, daysFromFirstUse = null }) => {
    const day = formatDay(endsAt ?? "");
    if (daysFromFirstUse === null) return `Your trial stays and ends on ${day}.`;
    return `Your trial stays. ${daysBegin(daysFromFirstUse)} If nobody uses it, it ends by itself on ${day}.`;
  },
  paused: (kept) => `Your ${named(kept)} stays. Payments for it are paused.${paidUntil(kept)}`,
  invoice_closed: (kept) => `Your ${named(kept)} stays. Its last invoice was canceled.${paidUntil(kept)}`,
  payment_due: (kept) =>
    `Your ${named(kept)} stays. It has an unpaid invoice: open Beak, choose your account, then billing, to pay it.`,
};

/**
 * The sentences of a mail about a rejected subscription. Each sentence states one fact. A fact that is null has no
 * sentence.
 */
export function rejectionSentences(facts: RejectionFacts): string[] {
  const { kind, canceled, kept, refunded, credited, isCreditOfOtherCustomer } = facts;
  const use = isCreditOfOtherCustomer
    ? "Your other subscription does not use that balance: write to us if you want the money in another way."
    : "It is used for your next invoices.";
  const opening = {
    duplicate: "You can have one Beak subscription at a time, and you had two.",
    replaced: "Your new Beak subscription replaces the one that you had.",
  };
  return [
    opening[kind],
    `We canceled the ${named(canceled)}.`,
    ...orderSentences(canceled, kept),
    ...(refunded
      ? [
          `We refunded ${formatMoney(refunded)} to the payment method that you paid with. The money is usually there within ten days.`,
        ]
      : []),
    ...(credited ? [`We credited ${formatMoney(credited)} to your balance. ${use}`] : []),
    ...(kept ? [STAYS[kept.status](kept)] : []),
  ];
}

/** Says which of two subscriptions was canceled, if the mail names both by the same words. */
function orderSentences(canceled: SubscriptionFacts, kept: KeptFacts | null): string[] {
  if (kept === null || kept.status === "trialing" || named(canceled) !== named(kept)) return [];
  const later = Date.parse(canceled.boughtAt) - Date.parse(kept.boughtAt);
  if (later === 0) return [];
  return [`You bought two on that day. We canceled the ${later > 0 ? "later" : "earlier"} one.`];
}

/** Whether a rejection is worth a mail: a subscription that had started was canceled, or money was returned. */
export function isRejectionMailDue({ canceled, refunded, credited }: RejectionFacts): boolean {
  return canceled.hadStarted || refunded !== null || credited !== null;
}

/** The sentences of the welcome to a trial. */
export function trialSentences({ endsAt, daysFromFirstUse, charge }: TrialFacts): string[] {
  if (daysFromFirstUse !== null) return unusedTrialSentences(daysFromFirstUse, formatDay(endsAt), charge);
  const begins = `Your trial is active and ends on ${formatDay(endsAt)}`;
  if (charge === null) return [`${begins}; nothing is charged until you choose to continue.`];
  const { money } = charge;
  if (money?.amount === 0)
    return [`${begins}. Your subscription begins then, and nothing is charged on that day.`];
  return [
    `${begins}. Your subscription begins then, and your payment method is charged${money ? ` ${formatMoney(money)}` : ""}.`,
    "If you don't want that, cancel before that day: open Beak, choose your account, then billing.",
  ];
}

/** A stranger may have requested this trial, and its end moves at its first use. No sentence says that it has begun. */
function unusedTrialSentences(days: number, day: string, charge: TrialFacts["charge"]): string[] {
  const ready = ["Your trial is ready.", daysBegin(days)];
  const ends = `If nobody uses it, it ends by itself on ${day}`;
  if (charge === null) return [...ready, `${ends}, and nothing is charged.`];
  const { money } = charge;
  if (money?.amount === 0)
    return [...ready, `${ends}.`, "Your subscription begins at its end, and nothing is charged on that day."];
  return [
    ...ready,
    `${ends}.`,
    `Your subscription begins at its end, and your payment method is charged${money ? ` ${formatMoney(money)}` : ""}.`,
    "If you don't want that, cancel before its end: open Beak, choose your account, then billing.",
  ];
}
