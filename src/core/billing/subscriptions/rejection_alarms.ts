import type { EventCore } from "#core/billing/events/event_core.ts";
import { DAY, plusSeconds } from "#core/clock.ts";
import type { MoneyReturn, Subscription } from "#core/repositories/subscriptions.ts";

/** Duplicates of one user within a day that raise an alarm: a stranger may buy again and again with the user's address. */
const MANY_DUPLICATES = 3;

/** Whether Stripe accepted to return an amount. */
export function isAccepted({ status, amount }: MoneyReturn): boolean {
  return amount > 0 && (status === "done" || status === "pending");
}

/** Raises an alarm for each amount that was credited to a customer other than the kept subscription's. */
export function raiseCreditAlarms(
  { log }: Pick<EventCore, "log">,
  { stpSubscriptionId, userId, rejection }: Subscription,
  returns: readonly MoneyReturn[],
): void {
  if (!rejection || rejection.isSameCustomer || rejection.keptId === null) return;
  for (const { amount, currency } of returns.filter((one) => one.to === "balance" && isAccepted(one)))
    log.error("credit_of_other_customer", {
      alarm: true,
      subscription_id: stpSubscriptionId,
      user_id: userId,
      amount,
      currency,
    });
}

/**
 * Raises the alarms of a complete rejection after which an operator must act (runbooks/stripe.md).
 * @param returns what was returned
 * @throws NestError `unavailable`
 */
export async function raiseAlarms(
  core: EventCore,
  rejected: Subscription,
  returns: readonly MoneyReturn[],
): Promise<void> {
  const { userId, rejection } = rejected;
  if (!rejection) return;
  raiseCreditAlarms(core, rejected, returns);
  if (rejection.kind !== "duplicate") return;
  const since = plusSeconds(core.clock.now(), -DAY).toISOString();
  const recent = await core.subscriptions.listRejectedSince(userId, since);
  const count = recent.filter((one) => one.rejection?.kind === "duplicate").length;
  if (count >= MANY_DUPLICATES) core.log.error("many_duplicates", { alarm: true, user_id: userId, count });
}
