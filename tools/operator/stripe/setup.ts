import type { Command } from "commander";
import Stripe from "stripe";
import { STRIPE_EVENT_TYPES } from "#core/billing/events/event_types.ts";
import { WEBHOOK_LIMIT_MS } from "#core/call.ts";
import { stripe as stripePart } from "#core/parts.ts";
import type { StripeApi } from "#core/services/stripe.ts";
import { differencesOf, listEndpoints, readUrl } from "#tools/stage/stripe/endpoints.ts";
import { act, examples, type Terminal, type Verdict } from "#tools/terminal/command.ts";
import { CommandError } from "#tools/terminal/errors.ts";

/** Under one idempotency key, so that an answer that was lost, and the secret in it, comes again. */
const RETRIES = 3;

/** `stripe setup`: makes the webhook endpoint, or mends the events of the one that is there. */
export function setup(program: Command): void {
  const command = program
    .command("setup")
    .requiredOption(
      "--url <address>",
      "where Stripe is to post, such as https://nest.example/1/webhook/stripe",
    )
    .option("--mend", "give the endpoint that is there the events that Nest works on")
    .description("makes the webhook endpoint and shows its signing secret, once");
  examples(command, [
    "stripe setup --url https://nest.example/1/webhook/stripe",
    "stripe setup --url https://nest.example/1/webhook/stripe --mend",
  ]);
  act(command, async (terminal, options: { url: string; mend?: boolean }) => {
    const url = readUrl(options.url);
    const stripe = stripePart.open(terminal.environment);
    const present = await listEndpoints(stripe, url);
    const ids = present.map(({ id }) => id).join(", ");
    const [only] = present;
    if (options.mend) {
      if (only && present.length === 1) return mend(terminal, stripe, only.id);
      throw new CommandError(only ? `Remove all but one of ${ids}.` : `There is no endpoint for ${url}.`);
    }
    if (only)
      throw new CommandError(
        `There is an endpoint for ${url} already: ${ids}. \`stripe check\` says what differs.`,
      );
    return make(terminal, stripe, url);
  });
}

async function make(terminal: Terminal, stripe: StripeApi, url: string): Promise<Verdict> {
  const { id, secret = null } = await stripe.request(
    (sdk, options) =>
      sdk.webhookEndpoints.create(
        { url, enabled_events: STRIPE_EVENT_TYPES, api_version: Stripe.API_VERSION, description: "Nest" },
        { ...options, maxNetworkRetries: RETRIES },
      ),
    { limitMs: WEBHOOK_LIMIT_MS },
  );
  terminal.show({ id, url, secret }, [
    `Made ${id} for ${url}.`,
    `Its signing secret, shown this once: ${secret ?? "(Stripe named none: see its Dashboard)"}`,
    "Give it to the webhook's function: `config put STRIPE_WEBHOOK_SECRETS --stage <stage>`, or `config add` beside another.",
  ]);
}

async function mend(terminal: Terminal, stripe: StripeApi, id: string): Promise<Verdict> {
  const mended = await stripe.request(
    (sdk, options) => sdk.webhookEndpoints.update(id, { enabled_events: STRIPE_EVENT_TYPES }, options),
    { limitMs: WEBHOOK_LIMIT_MS },
  );
  const differences = differencesOf(mended);
  terminal.show({ id, differences }, [
    `${id} has the ${STRIPE_EVENT_TYPES.length} events now.`,
    ...differences,
  ]);
  return differences.length === 0;
}
