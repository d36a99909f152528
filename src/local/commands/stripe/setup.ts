import { parseArgs } from "node:util";
import Stripe from "stripe";
import { STRIPE_EVENT_TYPES } from "#core/billing/event_types.ts";
import { WEBHOOK_LIMIT_MS } from "#core/call.ts";
import type { StripeApi } from "#core/clients/stripe.ts";
import { stripe as stripePart } from "#core/parts.ts";
import type { Command } from "#local/commands/stripe/command.ts";
import { differencesOf, listEndpoints, readUrl } from "#local/commands/stripe/endpoints.ts";

/** Under one idempotency key, so that an answer that was lost, and the secret in it, comes again. */
const RETRIES = 3;

/** `stripe setup`: makes the webhook endpoint, or mends the events of the one that is there. */
export const setup: Command = {
  usage: {
    "setup --url <address>": "makes the webhook endpoint and shows its signing secret, once",
    "setup --url <address> --mend": "gives the endpoint that is there the events that Nest works on",
  },
  async run(args, environment) {
    const { values } = parseArgs({
      args,
      options: { url: { type: "string" }, mend: { type: "boolean", default: false } },
    });
    const url = readUrl(values.url);
    const stripe = stripePart.open(environment);
    const present = await listEndpoints(stripe, url);
    const ids = present.map(({ id }) => id).join(", ");
    const [only] = present;
    if (values.mend) {
      if (only && present.length === 1) return mend(stripe, only.id);
      console.error(only ? `Remove all but one of ${ids}.` : `There is no endpoint for ${url}.`);
      return false;
    }
    if (only) {
      console.error(`There is an endpoint for ${url} already: ${ids}. \`stripe check\` says what differs.`);
      return false;
    }
    return make(stripe, url);
  },
};

async function make(stripe: StripeApi, url: string): Promise<boolean> {
  const { id, secret } = await stripe.request(limits(), (sdk, options) =>
    sdk.webhookEndpoints.create(
      { url, enabled_events: STRIPE_EVENT_TYPES, api_version: Stripe.API_VERSION, description: "Nest" },
      { ...options, maxNetworkRetries: RETRIES },
    ),
  );
  console.log(`Made ${id} for ${url}.`);
  console.log(`Its signing secret, shown this once: ${secret ?? "(Stripe named none: see its Dashboard)"}`);
  console.log("Add it to STRIPE_WEBHOOK_SECRETS of the webhook's function, after a comma if one is there.");
  return true;
}

async function mend(stripe: StripeApi, id: string): Promise<boolean> {
  const mended = await stripe.request(limits(), (sdk, options) =>
    sdk.webhookEndpoints.update(id, { enabled_events: STRIPE_EVENT_TYPES }, options),
  );
  console.log(`${id} has the ${STRIPE_EVENT_TYPES.length} events now.`);
  const left = differencesOf(mended);
  for (const difference of left) console.log(difference);
  return left.length === 0;
}

const limits = () => ({ deadline: Date.now() + WEBHOOK_LIMIT_MS, limitMs: WEBHOOK_LIMIT_MS });
