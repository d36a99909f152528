import type { Command } from "commander";
import Stripe from "stripe";
import { STRIPE_EVENT_TYPES } from "#core/billing/events/event_types.ts";
import { WEBHOOK_LIMIT_MS } from "#core/call.ts";
import { stripe as stripePart } from "#core/parts.ts";
import type { StripeApi } from "#core/services/stripe.ts";
import { differencesOf, listEndpoints, readUrl } from "#tools/stage/stripe/endpoints.ts";
import { act, type CommandResult, examples, type Terminal } from "#tools/terminal/command.ts";
import { CommandError } from "#tools/terminal/errors.ts";

/** Retries use one idempotency key, so that a lost response, and the secret in it, is returned again. */
const RETRIES = 3;

/** `stripe setup`: creates the webhook endpoint, or corrects the events of the existing one. */
export function setup(program: Command): void {
  const command = program
    .command("setup")
    .requiredOption("--url <address>", "the webhook URL, such as https://nest.example/1/webhook/stripe")
    .option("--update", "set the events of the existing endpoint to the events that Nest processes")
    .description("creates the webhook endpoint and shows its signing secret once");
  examples(command, [
    "stripe setup --url https://nest.example/1/webhook/stripe",
    "stripe setup --url https://nest.example/1/webhook/stripe --update",
  ]);
  act(command, async (terminal, options: { url: string; update?: boolean }) => {
    const url = readUrl(options.url);
    const stripe = stripePart.open(terminal.environment);
    const present = await listEndpoints(stripe, url);
    const ids = present.map(({ id }) => id).join(", ");
    const [only] = present;
    if (options.update) {
      if (only && present.length === 1) return updateEvents(terminal, stripe, only.id);
      throw new CommandError(
        only
          ? `There are several endpoints for ${url}: ${ids}. Delete all but one in the Stripe Dashboard.`
          : `There is no endpoint for ${url}. Create it without --update.`,
      );
    }
    if (only)
      throw new CommandError(
        `An endpoint for ${url} exists already: ${ids}. Check it with \`stripe check\`.`,
      );
    return createEndpoint(terminal, stripe, url);
  });
}

async function createEndpoint(terminal: Terminal, stripe: StripeApi, url: string): Promise<CommandResult> {
  const { id, secret = null } = await stripe.request(
    (sdk, options) =>
      sdk.webhookEndpoints.create(
        { url, enabled_events: STRIPE_EVENT_TYPES, api_version: Stripe.API_VERSION, description: "Nest" },
        { ...options, maxNetworkRetries: RETRIES },
      ),
    { limitMs: WEBHOOK_LIMIT_MS },
  );
  terminal.show({ id, url, secret }, [
    `Created ${id} for ${url}.`,
    `Its signing secret, shown only once: ${secret ?? "(not returned by Stripe; see the Stripe Dashboard)"}`,
    "Store it with `config put STRIPE_WEBHOOK_SECRETS --stage <stage>`, or with `config add` in addition to an existing secret.",
  ]);
}

async function updateEvents(terminal: Terminal, stripe: StripeApi, id: string): Promise<CommandResult> {
  const updated = await stripe.request(
    (sdk, options) => sdk.webhookEndpoints.update(id, { enabled_events: STRIPE_EVENT_TYPES }, options),
    { limitMs: WEBHOOK_LIMIT_MS },
  );
  const differences = differencesOf(updated);
  terminal.show({ id, differences }, [
    `${id} now receives the ${STRIPE_EVENT_TYPES.length} events that Nest processes.`,
    ...differences,
  ]);
  return differences.length === 0;
}
