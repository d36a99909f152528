import type { Plan, Stage, StripePrice } from "#core/app/app.ts";
import { ConfigError } from "#core/config.ts";
import { NestError } from "#core/errors.ts";

/** A plan as one stage sells it. */
export interface StagePlan extends Omit<Plan, "prices">, StripePrice {}

/** Values of a stage's variables that replace those of the plan that a trial subscribes to, or of the first plan. */
export interface PlanOverride {
  priceId?: string | undefined;
  productId?: string | undefined;
  trialDays?: number | undefined;
}

/**
 * The plans that a stage sells or sold, in the order of the app file: those that have a price there.
 * @throws ConfigError if the app offers plans and none has a price on the stage
 */
export function stagePlans(plans: readonly Plan[], stage: Stage, override: PlanOverride = {}): StagePlan[] {
  const main = mainPlanOf(plans);
  const sold = plans.flatMap((plan) => soldOn(stage, plan, plan === main ? override : {}));
  if (main && !sold.some(({ isOffered }) => isOffered))
    throw new ConfigError(["STRIPE_PRICE_ID"], `no plan of the app file has a price on ${stage}`);
  return sold;
}

function soldOn(stage: Stage, { prices, ...plan }: Plan, override: PlanOverride): StagePlan[] {
  const priceId = override.priceId ?? prices[stage]?.priceId;
  const productId = override.productId ?? prices[stage]?.productId;
  if (priceId === undefined || productId === undefined) return [];
  return [{ ...plan, priceId, productId, trialDays: override.trialDays ?? plan.trialDays }];
}

/** The plan whose price a stage may replace: that of a trial, else the first that is offered. */
const mainPlanOf = (plans: readonly Plan[]) =>
  trialPlanOf(plans) ?? plans.find(({ isOffered }) => isOffered) ?? null;

/**
 * The price that a trial subscribes to.
 * @throws NestError access_denied if no plan has a trial
 */
export function requireTrialPrice({ trialPriceId }: { trialPriceId: string | null }): string {
  if (trialPriceId === null) throw new NestError("access_denied", { detail: "no plan has a trial" });
  return trialPriceId;
}

/** The plan that a trial subscribes to: the first that is offered and has one. */
export function trialPlanOf<Some extends Pick<Plan, "isOffered" | "trialDays">>(
  plans: readonly Some[],
): Some | null {
  return plans.find(({ isOffered, trialDays }) => isOffered && trialDays !== null) ?? null;
}
