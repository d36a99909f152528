import type { BillingSettings } from "#core/billing/config.ts";
import type { StagePlan } from "#core/billing/plans/stage_plans.ts";
import { NestError } from "#core/errors.ts";
import type { Subscription } from "#core/repositories/subscriptions.ts";

/** The plans that the stage sells or sold. */
export interface PlanCore {
  billing: Pick<BillingSettings, "plans">;
}

/** The plans that a person can buy, in the order of the app file. */
export function offeredPlans({ billing }: PlanCore): StagePlan[] {
  return billing.plans.filter(({ isOffered }) => isOffered);
}

/**
 * The plan with this id, also if nobody can buy it anymore.
 * @throws NestError plan_not_found
 */
export function requirePlan({ billing }: PlanCore, id: string): StagePlan {
  const plan = billing.plans.find((one) => one.id === id);
  if (!plan) throw new NestError("plan_not_found");
  return plan;
}

/** @throws NestError plan_ended for a plan that nobody can buy anymore */
export function requireOffered({ isOffered }: StagePlan): void {
  if (!isOffered) throw new NestError("plan_ended");
}

/** The prices and the product of a subscription. */
type Bought = Pick<Subscription, "stpProductId" | "stpPriceIds">;

/**
 * The plan of a subscription. A price that no plan names anymore, such as an old price after an increase, belongs to the plan
 * of its product, if only one plan has that product.
 * @returns null if several plans or none have the product
 */
export function planOf({ billing }: PlanCore, { stpProductId, stpPriceIds = [] }: Bought): StagePlan | null {
  const byPrice = billing.plans.find(({ priceId }) => stpPriceIds.includes(priceId));
  if (byPrice) return byPrice;
  const [first, ...others] = billing.plans.filter(({ productId }) => productId === stpProductId);
  return first && others.length === 0 ? first : null;
}

/** The features of a subscription. If its plan is not known, the features that all plans of its product have in common. */
export function featuresOf(core: PlanCore, bought: Bought): readonly string[] {
  const plan = planOf(core, bought);
  if (plan) return plan.features;
  const [first, ...others] = core.billing.plans.filter(({ productId }) => productId === bought.stpProductId);
  return (first?.features ?? []).filter((name) => others.every(({ features }) => features.includes(name)));
}
