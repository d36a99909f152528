import type { Command } from "commander";
import type Stripe from "stripe";
import { type BillingSettings, billingVariables } from "#core/billing/config.ts";
import { type Environment, readConfig } from "#core/config.ts";
import { billing, stripe as stripePart } from "#core/parts.ts";
import { type StripeApi, stripeRefusal, stripeVariables } from "#core/services/stripe.ts";
import { differencesOf, listEndpoints, readUrl } from "#tools/stage/stripe/endpoints.ts";
import { act, examples } from "#tools/terminal/command.ts";

/** `stripe check`: compares the Stripe account with what Nest requires. */
export function check(program: Command): void {
  const command = program
    .command("check")
    .requiredOption("--url <address>", "the webhook URL")
    .description("checks the webhook endpoint and the price at Stripe");
  examples(command, ["stripe check --url https://nest.example/1/webhook/stripe"]);
  act(command, async (terminal, options: { url: string }) => {
    const differences = await stripeDifferences(readUrl(options.url), terminal.environment);
    const allIsWell = "The Stripe account is set up as Nest requires.";
    terminal.show({ differences }, differences.length > 0 ? differences : allIsWell);
    return differences.length === 0;
  });
}

/**
 * Lists where the Stripe account differs from what an environment requires, one line each.
 * @param url the webhook URL; null compares the price only
 * @throws ConfigError, NestError stripe_error
 */
export async function stripeDifferences(url: string | null, environment: Environment): Promise<string[]> {
  // Reads both groups together, so that one error names all missing variables.
  readConfig({ ...stripeVariables, ...billingVariables }, environment);
  const stripe = stripePart.open(environment);
  const [endpoint, price] = await Promise.all([
    url === null ? [] : checkEndpoint(stripe, url),
    checkPrice(stripe, billing.open(environment)),
  ]);
  return [...endpoint, ...price];
}

/** Lists the problems of the webhook endpoint, one line each. */
async function checkEndpoint(stripe: StripeApi, url: string): Promise<string[]> {
  const endpoints = await listEndpoints(stripe, url);
  return [
    ...(endpoints.length === 0 ? [`there is no endpoint for ${url}`] : []),
    ...(endpoints.length > 1 ? [`several endpoints: ${endpoints.map(({ id }) => id).join(", ")}`] : []),
    ...endpoints.flatMap(differencesOf),
  ];
}

/** Lists the problems of the price that trials use, one line each. */
export async function checkPrice(
  stripe: StripeApi,
  { priceId, productIds }: Pick<BillingSettings, "priceId" | "productIds">,
): Promise<string[]> {
  const price = await readPrice(stripe, priceId);
  if (!price) return [`STRIPE_PRICE_ID: Stripe has no price ${priceId}`];
  const product = typeof price.product === "string" ? price.product : price.product.id;
  return [
    ...(price.active ? [] : [`STRIPE_PRICE_ID: ${priceId} is not active`]),
    ...(price.recurring ? [] : [`STRIPE_PRICE_ID: ${priceId} is a one-time price, not a recurring one`]),
    ...(productIds.includes(product)
      ? []
      : [`STRIPE_PRICE_ID: ${priceId} belongs to ${product}, which is not in STRIPE_PRODUCT_IDS`]),
  ];
}

async function readPrice(stripe: StripeApi, priceId: string): Promise<Stripe.Price | null> {
  try {
    return await stripe.request((sdk, options) => sdk.prices.retrieve(priceId, {}, options));
  } catch (error) {
    if (stripeRefusal(error)?.code === "resource_missing") return null;
    throw error;
  }
}
