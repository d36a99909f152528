import type { FieldDocumentation } from "#tools/openapi/field_documentation.ts";

type Timestamp = (description: string, example?: string | null) => FieldDocumentation;
type Fields = Readonly<Record<string, FieldDocumentation>>;

/** The fields below a path. */
const below = (path: string, fields: Fields): Fields =>
  Object.fromEntries(Object.entries(fields).map(([name, field]) => [`${path}.${name}`, field]));

const CURRENCY: FieldDocumentation = {
  description: "The currency: three letters, lower case.",
  example: "eur",
};
const SUBSCRIPTION = "sub_1Nest3kQv8WbZr1Ym6Kc3Td";
const AMOUNT = "In the currency's smallest unit, such as cents.";

/** The fields of the methods for support staff. */
export const supportFields = (timestamp: Timestamp): Fields => ({
  ...below("get_billing_history", {
    subscriptions: { description: "The user's subscriptions, the newest first." },
    payments: {
      description:
        "Payments, refunds and balance changes, the newest first; null if Stripe did not respond in time.",
    },
  }),
  ...below("get_billing_history.subscriptions[]", {
    id: { description: "Stripe's id of the subscription.", example: SUBSCRIPTION },
    plan: { description: "The plan's id; null if no plan has its price.", example: "pro" },
    price: { description: "The plan's price in the app file; null if no plan has its price." },
    "price.unit_amount": { description: `The price for each interval. ${AMOUNT}`, example: 499 },
    "price.currency": CURRENCY,
    "price.interval": {
      description: "How often it is paid.",
      example: "month",
      narrows: { enum: ["day", "week", "month", "year"] },
    },
    is_trial: {
      description: "Whether it is a trial, or was one and ended before it was paid.",
      example: false,
    },
    status: { description: "The status at Stripe, also of a subscription that ended.", example: "active" },
    is_current: { description: "Whether this subscription gives the user access now.", example: true },
    created_at: timestamp("When Stripe created it."),
    start_date: timestamp("When its newest period started.", "2026-03-01T00:00:00.000Z"),
    end_date: timestamp("When its access ends or ended.", "2026-04-01T00:00:00.000Z"),
    cancel_at: timestamp("When it will end, if it was canceled; otherwise null.", null),
    cancelled_at: timestamp("When the cancellation was requested; null if it was not.", null),
    rejected_at: timestamp("When Nest kept another subscription of the user instead; otherwise null.", null),
    rejected_as: {
      description:
        "`duplicate`: it is newer than the kept subscription. `replaced`: it is older. Null: not rejected.",
      example: null,
      narrows: { enum: ["duplicate", "replaced"] },
    },
    kept_id: {
      description: "Stripe's id of the subscription that is kept instead; null: none.",
      example: null,
    },
    dispute_status: {
      description:
        "Stripe's status of the newest dispute that is open, else of the newest; null: no dispute.",
      example: null,
    },
    returns: { description: "What Nest refunds or credits because it was rejected." },
    mails: { description: "Mails about it." },
  }),
  ...below("get_billing_history.subscriptions[].returns[]", {
    amount: { description: AMOUNT, example: 900 },
    currency: CURRENCY,
    to: {
      description: "`payment_method`: refunded. `balance`: credited to the customer's balance at Stripe.",
      example: "payment_method",
      narrows: { enum: ["payment_method", "balance"] },
    },
    source: {
      description: "Stripe's id of the payment, invoice or customer it comes from.",
      example: "pi_1Nest5Td0Ls9Xp",
    },
    reason: {
      description:
        "`duplicate`: all payments of a duplicate. `unused_time`: the unused share of the current period.",
      example: "duplicate",
      narrows: { enum: ["duplicate", "unused_time"] },
    },
    status: {
      description:
        "`planned`: not at Stripe yet. `disputed`: a bank holds the payment. `pending`: Stripe waits. `failed`: an operator must act.",
      example: "done",
      narrows: { enum: ["planned", "disputed", "pending", "done", "failed"] },
    },
    planned_at: timestamp("When Nest decided it."),
    returned_at: timestamp("When Stripe accepted it; null until then."),
    id: {
      description: "Stripe's id of the refund or the balance change; null until Stripe accepted it.",
      example: "re_1Nest7Ym6Kc3",
    },
    failure: { description: "Stripe's error code of the last failed attempt; null: none.", example: null },
  }),
  ...below("get_billing_history.subscriptions[].mails[]", {
    kind: {
      description: "What the mail is about.",
      example: "welcome",
      narrows: { enum: ["welcome", "trial_will_end", "duplicate", "replaced", "late_return", "other"] },
    },
    sent_at: timestamp("When it was sent; null while it waits."),
  }),
  ...below("get_billing_history.payments[]", {
    id: { description: "Stripe's id.", example: "ch_1Nest9Xp5Td0Ls" },
    type: {
      description: "`payment`, `refund`, or `balance`: a change of the customer's balance.",
      example: "payment",
      narrows: { enum: ["payment", "refund", "balance"] },
    },
    amount: { description: `${AMOUNT} A refund and a credit to the customer are negative.`, example: 900 },
    currency: CURRENCY,
    created_at: timestamp("When Stripe created it."),
    status: {
      description:
        "Stripe's status. `disputed` for a payment in dispute; `credited` or `used` for the balance.",
      example: "succeeded",
    },
    reason: { description: "Why it was refunded, credited or declined; null: not known.", example: null },
  }),
  ...below("get_sign_in_history", {
    user_id: {
      description: "The user's id. In the response null if no user has the address.",
      example: "user_2hF4hEJqzyYxw9P8Wc1ZbXv5nQk",
    },
    address: {
      description: "An email address, or a phone number with its plus sign, in place of `user_id`.",
      example: "ada@example.com",
    },
    limit: { description: "The most events. Default: 50.", example: 20 },
    events: { description: "The events, the newest first." },
    blocks: { description: "What keeps the user from signing in now. Empty: nothing that Nest knows of." },
  }),
  ...below("get_sign_in_history.blocks[]", {
    code: {
      description:
        "`passwords_paused`: for the network or device that sent wrong passwords. `mail_suppressed`: a mail was returned. New codes are added.",
      example: "password_locked",
    },
    about: {
      description: "The id of the user, or of the address or number.",
      example: "user_2hF4hEJqzyYxw9P8Wc1ZbXv5nQk",
    },
    until: timestamp("When it ends by itself; null: never.", null),
    text: {
      description: "What keeps the user from signing in, in English, for people. The wording may change.",
      example:
        "the password is locked after 100 wrong ones, until the user sets a new one; links and codes still work",
    },
  }),
  ...below("get_sign_in_history.events[]", {
    code: {
      description: "What happened, for programs. A code never changes its meaning, and new ones are added.",
      example: "session_revoked_by_user",
    },
    at: timestamp("When it happened."),
    about: {
      description: "The id of the link, the code's message, the session or the returned mail.",
      example: "session_2hF4hEJqzyYxw9P8Wc1ZbXv5nQk",
    },
    text: {
      description: "What happened, in English, for people. The wording may change.",
      example: "the session was revoked: the user revoked it from another session",
    },
    user_agent: {
      description:
        "The user agent with which the session started, if the event is about a session; null: none was sent.",
      example: "Mozilla/5.0",
    },
    user_id: {
      description:
        "The signed-in user who asked for the message, to verify an address of their own; null: nobody, or another event.",
      example: "user_2hF4hEJqzyYxw9P8Wc1ZbXv5nQk",
    },
  }),
});
