import { parseArgs } from "node:util";
import type Stripe from "stripe";
import { type BillingSettings, billingVariables } from "#core/billing/config.ts";
import { WEBHOOK_LIMIT_MS } from "#core/call.ts";
import { type StripeApi, stripeRefusal, stripeVariables } from "#core/clients/stripe.ts";
import { readConfig } from "#core/config.ts";
import { billing, stripe as stripePart } from "#core/parts.ts";
import type { Command } from "#local/commands/stripe/command.ts";
import { differencesOf, listEndpoints, readUrl } from "#local/commands/stripe/endpoints.ts";

/** `stripe check`: says where Stripe is not set up as Nest needs it. */
export const check: Command = {
  usage: { "check --url <address>": "says what differs at Stripe: the webhook endpoint, the price" },
  async run(args, environment) {
    const { values } = parseArgs({ args, options: { url: { type: "string" } } });
    const url = readUrl(values.url);
    // Both groups at once, so that one line names everything that is missing.
    readConfig({ ...stripeVariables, ...billingVariables }, environment);
    const stripe = stripePart.open(environment);
    const [endpoints, price] = await Promise.all([
      listEndpoints(stripe, url),
      checkPrice(stripe, billing.open(environment)),
    ]);
    const differences = [
      ...(endpoints.length === 0 ? [`there is no endpoint for ${url}`] : []),
      ...(endpoints.length > 1 ? [`several endpoints: ${endpoints.map(({ id }) => id).join(", ")}`] : []),
      ...endpoints.flatMap(differencesOf),
      ...price,
    ];
    for (const difference of differences) console.log(difference);
    if (differences.length === 0) console.log("Stripe is set up as Nest needs it.");
    return differences.length === 0;
  },
};

async function checkPrice(
  stripe: StripeApi,
  { priceId, productIds }: Pick<BillingSettings, "priceId" | "productIds">,
): Promise<string[]> {
  const price = await readPrice(stripe, priceId);
  if (!price) return [`STRIPE_PRICE_ID: Stripe has no price ${priceId}`];
  const product = typeof price.product === "string" ? price.product : price.product.id;
  return [
    ...(price.active ? [] : [`STRIPE_PRICE_ID: ${priceId} is not active`]),
    ...(price.recurring ? [] : [`STRIPE_PRICE_ID: ${priceId} is paid once, not by subscription`]),
    ...(productIds.includes(product)
      ? []
      : [`STRIPE_PRICE_ID: ${priceId} is of ${product}, which STRIPE_PRODUCT_IDS does not name`]),
  ];
}

async function readPrice(stripe: StripeApi, priceId: string): Promise<Stripe.Price | null> {
  try {
    return await stripe.request({ deadline: Date.now() + WEBHOOK_LIMIT_MS }, (sdk, options) =>
      sdk.prices.retrieve(priceId, {}, options),
    );
  } catch (error) {
    if (stripeRefusal(error)?.code === "resource_missing") return null;
    throw error;
  }
}
