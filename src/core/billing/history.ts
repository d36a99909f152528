import { customersOf, type MoneyMovement, readMovements } from "#core/billing/payments/movements.ts";
import { type PlanCore, planOf } from "#core/billing/plans/plans.ts";
import type { StagePlan } from "#core/billing/plans/stage_plans.ts";
import { endOfAccess, findAccess } from "#core/billing/subscriptions/subscription.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import type { ProviderMapping } from "#core/repositories/provider_mappings.ts";
import type { MoneyReturn, Subscription } from "#core/repositories/subscriptions.ts";
import type { Trial } from "#core/repositories/trials.ts";
import type { StripeApi } from "#core/services/stripe.ts";

/** Payments and balance changes of a customer that are read from Stripe: four years of monthly payments. */
const PAYMENTS_READ = 50;

/** What is stored about a user's billing. */
export interface BillingRecords {
  subscriptions: readonly Subscription[];
  providerMappings: readonly ProviderMapping[];
  trials: readonly Trial[];
}

/** Reads what is stored about a user's billing, in one round trip. */
export async function readBillingRecords(
  core: Pick<Core, "subscriptions" | "providerMappings" | "trials">,
  userId: string,
): Promise<BillingRecords> {
  const [subscriptions, providerMappings, trials] = await Promise.all([
    core.subscriptions.listByUser(userId),
    core.providerMappings.listByUser(userId),
    core.trials.listByUser(userId),
  ]);
  return { subscriptions, providerMappings, trials };
}

/**
 * Reads a user's payments, refunds and balance changes from Stripe, the newest first.
 * @returns null if Stripe does not respond: what is stored is worth showing without them
 */
export async function readPayments(
  { stripe }: { stripe: StripeApi },
  records: BillingRecords,
): Promise<MoneyMovement[] | null> {
  return readMovements(stripe, customersOf(records), PAYMENTS_READ).catch((error: unknown) => {
    if (error instanceof NestError) return null;
    throw error;
  });
}

/** What support staff is shown of a subscription. */
export interface SubscriptionView {
  subscription: Subscription;
  /** The plan, with the price of the app file; null if no plan has its price. */
  plan: StagePlan | null;
  /** Whether it is a trial, or was one and ended before it was paid. */
  isTrial: boolean;
  endsAt: string;
  /** Whether it is the subscription that gives the user access now. */
  isCurrent: boolean;
  /** What its rejection refunds and credits, the oldest first. */
  returns: MoneyReturn[];
  /** When which mail about it was sent; a mail that was omitted is left out. */
  mails: { kind: string; sentAt: string | null }[];
}

/** Describes a user's subscriptions, the newest first. */
export function viewSubscriptions(
  core: PlanCore,
  all: readonly Subscription[],
  now: Date,
): SubscriptionView[] {
  const current = findAccess(all, now)?.subscription._id;
  return all
    .map((subscription) => ({
      subscription,
      plan: planOf(core, subscription),
      isTrial: isTrial(subscription),
      endsAt: endOfAccess(subscription, all),
      isCurrent: subscription._id === current,
      returns: Object.values(subscription.returns ?? {})
        .filter(({ amount }) => amount > 0)
        .sort((one, other) => one.plannedAt.localeCompare(other.plannedAt)),
      mails: mailsOf(subscription),
    }))
    .sort((one, other) => other.subscription.stpCreatedAt.localeCompare(one.subscription.stpCreatedAt));
}

/** Whether a subscription never left its trial. A paid period starts later than the subscription. */
const isTrial = ({ status, trialId, wasPaid, startsAt, stpCreatedAt }: Subscription): boolean =>
  status === "trialing" || (trialId !== null && !wasPaid && startsAt <= stpCreatedAt);

/** The kinds of mails, without the date or payment that some marks name. */
const KINDS: Readonly<Record<string, string>> = {
  welcome: "welcome",
  trialWillEnd: "trial_will_end",
  duplicate: "duplicate",
  replaced: "replaced",
  lateReturn: "late_return",
};

const mailsOf = ({ mails }: Subscription) =>
  Object.entries(mails).flatMap(([name, mark]) =>
    mark?.isOmitted
      ? []
      : [{ kind: KINDS[name.split("-")[0] ?? ""] ?? "other", sentAt: mark?.sentAt ?? null }],
  );
