import { setTimeout as wait } from "node:timers/promises";
import app from "#app";
import { readBilling } from "#core/billing/config.ts";
import { trialPlanOf } from "#core/billing/plans/stage_plans.ts";
import type { Environment } from "#core/config.ts";
import { newSecret } from "#core/secrets.ts";
import { StripeApi } from "#core/services/stripe.ts";
import { createEventPoller, type EventPoller } from "#tools/local/stripe_account/event_poller.ts";
import { requireTestKey } from "#tools/local/stripe_account/test_key.ts";
import { checkPrice } from "#tools/stage/stripe/check.ts";
import { summarizeError } from "#tools/terminal/command.ts";

/** Stripe's test mode, which the local stack uses instead of the double. */
export interface TestModeStripe {
  mode: "test";
  /** The URL of the API, or undefined for Stripe's own. */
  url: string | undefined;
  secretKey: string;
  /** Created for this run. The event poller signs with it. */
  webhookSecret: string;
  /** Replaces the price of the app's plan that a trial subscribes to. */
  priceId?: string;
  /** Comma-separated. The first replaces the product of the plan that a trial subscribes to. */
  productIds?: string;
  /** Fetches events and posts them to this URL. With null, stops fetching. */
  deliverTo(url: string | null): void;
  close(): Promise<void>;
}

const POLL_EVERY_MS = 2_000;
const REMEDY =
  "Set STRIPE_PRICE_ID and STRIPE_PRODUCT_IDS to ids of your account, or change prices.local of the plan.";

/**
 * Connects to the test mode of the account of STRIPE_SECRET_KEY.
 * @param say prints a line, for failed deliveries
 * @returns null if STRIPE_SECRET_KEY is not set
 * @throws Error with a message of one line, if the key is live or the price does not fit
 */
export async function openTestMode(
  environment: Environment,
  say: (line: string) => void,
): Promise<TestModeStripe | null> {
  const { STRIPE_SECRET_KEY: secretKey = "", STRIPE_URL, STRIPE_PRICE_ID, STRIPE_PRODUCT_IDS } = environment;
  if (secretKey === "") return null;
  requireTestKey("STRIPE_SECRET_KEY", secretKey);
  const url = STRIPE_URL || undefined;
  const api = StripeApi.open(secretKey, url);
  await requirePrices(api, environment, say);
  const webhookSecret = `whsec_${newSecret()}`;
  let polling = new AbortController();
  let ended = Promise.resolve();
  const stop = () => {
    polling.abort();
    return ended;
  };
  return {
    mode: "test",
    url,
    secretKey,
    webhookSecret,
    ...(STRIPE_PRICE_ID && { priceId: STRIPE_PRICE_ID }),
    ...(STRIPE_PRODUCT_IDS && { productIds: STRIPE_PRODUCT_IDS }),
    deliverTo(target) {
      const before = stop();
      if (target === null) return;
      polling = new AbortController();
      const { signal } = polling;
      const poller = pollerTo(target, api, webhookSecret, signal);
      ended = before.then(() => forwardEvents(poller, signal, say));
    },
    close: stop,
  };
}

/** @throws Error if the account can't sell the plan that a trial subscribes to, or the first plan */
async function requirePrices(
  stripe: StripeApi,
  environment: Environment,
  say: (line: string) => void,
): Promise<void> {
  const { plans, productIds } = readBilling({ ...environment, STAGE: "local" }, app);
  const offered = plans.filter(({ isOffered }) => isOffered);
  const main = trialPlanOf(offered) ?? offered[0];
  for (const plan of offered) {
    const [problem] = await checkPrice(stripe, plan, productIds).catch((error: unknown) => {
      throw new Error(`The price could not be read from Stripe: ${summarizeError(error)}.`, { cause: error });
    });
    if (problem === undefined) continue;
    if (plan === main) throw new Error(`Stripe's test mode can't be used: ${problem}. ${REMEDY}`);
    say(`Nobody can buy a plan in this account: ${problem}.`);
  }
}

function pollerTo(target: string, stripe: StripeApi, secret: string, signal: AbortSignal): EventPoller {
  return createEventPoller({
    stripe,
    secret,
    async post(body, signature) {
      const headers = { "content-type": "application/json; charset=utf-8", "stripe-signature": signature };
      return (await fetch(target, { method: "POST", headers, body, signal })).status;
    },
  });
}

/** Fetches and posts events until the signal aborts. A repeated failure is printed once, not every two seconds. */
async function forwardEvents(
  poller: EventPoller,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<void> {
  let lastFailure = "";
  while (!signal.aborted) {
    try {
      for (const { id, type, status } of await poller.poll()) {
        if (status !== null && status < 300) continue;
        const reason = status === null ? "no response" : `status ${status}`;
        say(`The delivery of ${type} (${id}) failed: ${reason}.`);
      }
      lastFailure = "";
    } catch (error) {
      const line = `Stripe's events could not be fetched: ${summarizeError(error)}.`;
      if (line !== lastFailure && !signal.aborted) say(line);
      lastFailure = line;
    }
    await wait(POLL_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}
