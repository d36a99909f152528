import { setTimeout as wait } from "node:timers/promises";
import { billingVariables } from "#core/billing/config.ts";
import { ConfigError, type Environment, readConfig } from "#core/config.ts";
import { newSecret } from "#core/secrets.ts";
import { StripeApi } from "#core/services/stripe.ts";
import { createEventPoller } from "#tools/local/stripe_account/event_poller.ts";
import { requireTestKey } from "#tools/local/stripe_account/test_key.ts";
import { checkPrice } from "#tools/stage/stripe/check.ts";
import { summarizeError } from "#tools/terminal/command.ts";

/** Stripe's test mode in place of the double, with the account's own price and product. */
export interface TestModeStripe {
  mode: "test";
  /** Another Stripe than Stripe's own, or undefined. */
  url: string | undefined;
  secretKey: string;
  /** Of this run: nobody but us signs with it. */
  webhookSecret: string;
  priceId: string;
  /** Comma-separated. */
  productIds: string;
  /** Where events go; null stops fetching them. */
  deliverTo(url: string | null): void;
  close(): Promise<void>;
}

const POLL_EVERY_MS = 2_000;

/**
 * Opens the test mode of the account that STRIPE_SECRET_KEY is a key of.
 * @returns null if the environment names no key
 * @throws Error in one line: a live key, a missing variable, a price that can't be used
 */
export async function openTestMode(
  environment: Environment,
  say: (line: string) => void,
): Promise<TestModeStripe | null> {
  const {
    STRIPE_SECRET_KEY: secretKey = "",
    STRIPE_URL,
    STRIPE_PRICE_ID = "",
    STRIPE_PRODUCT_IDS = "",
  } = environment;
  if (secretKey === "") return null;
  requireTestKey("STRIPE_SECRET_KEY", secretKey);
  const url = STRIPE_URL || undefined;
  const api = StripeApi.open(secretKey, url);
  await requirePrice(api, environment);
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
    priceId: STRIPE_PRICE_ID,
    productIds: STRIPE_PRODUCT_IDS,
    deliverTo(target) {
      const before = stop();
      if (target === null) return;
      polling = new AbortController();
      const { signal } = polling;
      ended = before.then(() => bringEvents(api, webhookSecret, target, signal, say));
    },
    close: stop,
  };
}

async function requirePrice(stripe: StripeApi, environment: Environment): Promise<void> {
  try {
    const { STRIPE_PRICE_ID: priceId, STRIPE_PRODUCT_IDS: productIds } = readConfig(
      billingVariables,
      environment,
    );
    const [problem] = await checkPrice(stripe, { priceId, productIds });
    if (problem !== undefined) throw new Error(`Stripe's test mode can't be used: ${problem}.`);
  } catch (error) {
    if (error instanceof ConfigError) {
      throw new Error(
        `With STRIPE_SECRET_KEY set, Stripe's test mode is used, and it needs ${error.names.join(" and ")} too.`,
      );
    }
    const isOurs = error instanceof Error && error.constructor === Error;
    throw isOurs ? error : new Error(`Stripe could not be asked for the price: ${summarizeError(error)}.`);
  }
}

/** Fetches and posts events until it is told to stop. Whatever goes wrong is said once, not every two seconds. */
async function bringEvents(
  stripe: StripeApi,
  secret: string,
  target: string,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<void> {
  const poller = createEventPoller({
    stripe,
    secret,
    async post(body, signature) {
      const headers = { "content-type": "application/json; charset=utf-8", "stripe-signature": signature };
      return (await fetch(target, { method: "POST", headers, body, signal })).status;
    },
  });
  let said = "";
  while (!signal.aborted) {
    try {
      for (const { id, type, status } of await poller.poll()) {
        if (status === null || status >= 300) say(`${type} (${id}) was answered ${status ?? "nothing"}.`);
      }
      said = "";
    } catch (error) {
      const line = `Stripe's events could not be fetched: ${summarizeError(error)}.`;
      if (line !== said && !signal.aborted) say(line);
      said = line;
    }
    await wait(POLL_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}
