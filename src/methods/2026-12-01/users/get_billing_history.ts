/**
 * Returns a user's subscriptions, also ended ones, and their payments and refunds.
 *
 * For support staff: needs the capability `users.read`. `payments` are read from Stripe, the newest 50 of each customer, and are null if
 * Stripe does not respond in time. `price` is that of the plan in the app file; Stripe decides what is charged. `returns` are what Nest
 * refunds or credits for a subscription that it rejected.
 */
import { array, boolean, int, nullable, number, strictObject, string } from "zod/mini";
import {
  readBillingRecords,
  readPayments,
  type SubscriptionView,
  viewSubscriptions,
} from "#core/billing/history.ts";
import { NestError } from "#core/errors.ts";
import { billing, stripe } from "#core/parts.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

const returned = strictObject({
  amount: number(),
  currency: string(),
  to: string(),
  source: string(),
  reason: string(),
  status: string(),
  planned_at: string(),
  returned_at: nullable(string()),
  id: nullable(string()),
  failure: nullable(string()),
});
const subscriptionFields = strictObject({
  id: string(),
  plan: nullable(string()),
  price: nullable(strictObject({ unit_amount: int(), currency: string(), interval: string() })),
  is_trial: boolean(),
  status: string(),
  is_current: boolean(),
  created_at: string(),
  start_date: string(),
  end_date: string(),
  cancel_at: nullable(string()),
  cancelled_at: nullable(string()),
  rejected_at: nullable(string()),
  rejected_as: nullable(string()),
  kept_id: nullable(string()),
  dispute_status: nullable(string()),
  returns: array(returned),
  mails: array(strictObject({ kind: string(), sent_at: nullable(string()) })),
});
const payment = strictObject({
  id: string(),
  type: string(),
  amount: number(),
  currency: string(),
  created_at: string(),
  status: string(),
  reason: nullable(string()),
});

export const request = strictObject({ user_id: text() });
export const response = strictObject({
  subscriptions: array(subscriptionFields),
  payments: nullable(array(payment)),
});

export const handler = rpc({
  name: "get_billing_history",
  version: "2026-12-01",
  summary: "Returns a user's subscriptions, also ended ones, and their payments and refunds.",
  access: "cap:users.read",
  request,
  response,
  errors: ["reauthentication_required", "user_not_found"],
  parts: { billing, stripe },
  async reads({ core, request: { user_id } }) {
    const [user, records] = await Promise.all([core.users.find(user_id), readBillingRecords(core, user_id)]);
    return { user, records };
  },
  async run({ core, reads: { user, records } }) {
    if (!user) throw new NestError("user_not_found");
    const payments = await readPayments(core, records);
    return {
      subscriptions: viewSubscriptions(core, records.subscriptions, core.clock.now()).map(subscriptionToWire),
      payments:
        payments?.map(({ customer: _, createdAt, ...movement }) => ({
          ...movement,
          created_at: createdAt,
        })) ?? null,
    };
  },
});

const subscriptionToWire = ({
  subscription,
  plan,
  isTrial,
  endsAt,
  isCurrent,
  returns,
  mails,
}: SubscriptionView) => ({
  id: subscription.stpSubscriptionId,
  plan: plan?.id ?? null,
  price: plan && {
    unit_amount: plan.amount.unitAmount,
    currency: plan.amount.currency,
    interval: plan.interval,
  },
  is_trial: isTrial,
  status: subscription.status,
  is_current: isCurrent,
  created_at: subscription.stpCreatedAt,
  start_date: subscription.startsAt,
  end_date: endsAt,
  cancel_at: subscription.cancelAt,
  cancelled_at: subscription.cancelledAt,
  rejected_at: subscription.rejectedAt,
  rejected_as: subscription.rejection?.kind ?? null,
  kept_id: subscription.rejection?.keptId ?? null,
  dispute_status: subscription.disputeStatus,
  returns: returns.map(returnToWire),
  mails: mails.map(({ kind, sentAt }) => ({ kind, sent_at: sentAt })),
});

type Returned = SubscriptionView["returns"][number];

const returnToWire = ({ amount, currency, to, source, reason, status, ...more }: Returned) => ({
  ...{ amount, currency, to, source, reason, status },
  ...{ planned_at: more.plannedAt, returned_at: more.returnedAt, id: more.id, failure: more.failure },
});
