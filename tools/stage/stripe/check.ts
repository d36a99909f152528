import type { Command } from "commander";
import type Stripe from "stripe";
import app from "#app";
import { billingVariables, readBilling } from "#core/billing/config.ts";
import type { StagePlan } from "#core/billing/plans/stage_plans.ts";
import { type Environment, readConfig } from "#core/config.ts";
import { stripe as stripePart } from "#core/parts.ts";
import { type StripeApi, stripeRefusal, stripeVariables } from "#core/services/stripe.ts";
import { differencesOf, listEndpoints, readUrl } from "#tools/stage/stripe/endpoints.ts";
import { act, examples } from "#tools/terminal/command.ts";

/** `stripe check`: compares the Stripe account with what Nest requires. */
export function check(program: Command): void {
  const command = program
    .command("check")
    .requiredOption("--url <address>", "the webhook URL")
    .description("checks the webhook endpoint and the prices of the plans at Stripe");
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
  const { plans, productIds } = readBilling(environment, app);
  const offered = plans.filter(({ isOffered }) => isOffered);
  const [endpoint, ...prices] = await Promise.all([
    url === null ? [] : checkEndpoint(stripe, url),
    ...offered.map((plan) => checkPrice(stripe, plan, productIds)),
  ]);
  return [...endpoint, ...prices.flat()];
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

/**
 * Lists the problems of a plan's price, one line each.
 * @param productIds the products whose subscriptions are ours
 */
export async function checkPrice(
  stripe: StripeApi,
  { id, priceId }: Pick<StagePlan, "id" | "priceId">,
  productIds: readonly string[],
): Promise<string[]> {
  const of = `plan ${id}`;
  const price = await readPrice(stripe, priceId);
  if (!price) return [`${of}: Stripe has no price ${priceId}`];
  const product = typeof price.product === "string" ? price.product : price.product.id;
  return [
    ...(price.active ? [] : [`${of}: ${priceId} is not active`]),
    ...(price.recurring ? [] : [`${of}: ${priceId} is a one-time price, not a recurring one`]),
    ...(productIds.includes(product)
      ? []
      : [
          `${of}: ${priceId} belongs to ${product}, which is no product of a plan and not in STRIPE_PRODUCT_IDS`,
        ]),
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
