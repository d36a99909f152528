import { NestError } from "#core/errors.ts";
import { stripeRefusal } from "#core/services/stripe.ts";

/** The parameters by which requests name the price of a plan. */
const PRICE_PARAMETER = /^(line_)?items\[\d+\]/;

/**
 * The error for a price that Stripe does not have or does not sell anymore. Only an operator can correct it.
 * @returns null if Stripe failed for another reason
 */
export function refusalOfPrice(error: unknown): NestError | null {
  const refusal = stripeRefusal(error);
  if (refusal?.statusCode !== 400 || !PRICE_PARAMETER.test(refusal.param ?? "")) return null;
  return new NestError("price_not_found", { cause: error, detail: "Stripe refused the price of the plan" });
}
