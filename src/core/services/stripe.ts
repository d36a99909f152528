import { setTimeout as wait } from "node:timers/promises";
import Stripe from "stripe";
import { optional, refine, string } from "zod/mini";
import { ConfigError, type Environment, localOnly, readConfig, secret } from "#core/config.ts";
import { NestError } from "#core/errors.ts";
import { connectionsFor } from "#core/services/connections.ts";

/** Longest time for one attempt, unless the call's deadline comes first (contract 1.1). */
const ATTEMPT_LIMIT_MS = 2_000;
/** With less time than this, no request is sent. */
const SHORTEST_ATTEMPT_MS = 100;
const KEY_IN_USE_WAIT_MS = 250;

export const stripeVariables = {
  /** `sk_…`, or a restricted key `rk_…`. */
  STRIPE_SECRET_KEY: secret(string().check(refine((key) => /^[sr]k_(test|live)_\w+$/.test(key)))),
  STRIPE_URL: localOnly(optional(string().check(refine((value) => URL.canParse(value))))),
};

/** Whether a secret key is a live-mode key, which moves real money. */
export function isLiveKey(key: string): boolean {
  return key.includes("_live_");
}

/** How to send one request. */
export interface StripeRequestOptions {
  idempotencyKey?: string;
  /** Longest time for one attempt, in milliseconds. The default is 2,000. */
  limitMs?: number;
}

/** Stripe's SDK with a time limit on every request. Every failure is a `NestError`. */
export class StripeApi {
  readonly #sdk: Stripe;
  readonly #deadline: number;
  /** Whether the secret key is a live-mode key, which moves real money. */
  readonly isLive: boolean;

  private constructor(sdk: Stripe, isLive: boolean, deadline: number) {
    this.#sdk = sdk;
    this.isLive = isLive;
    this.#deadline = deadline;
  }

  /**
   * Opens Stripe without a deadline: only the limit of each request holds.
   * @param url a server to use instead of Stripe's own, such as the local stack's
   */
  static open(secretKey: string, url?: string): StripeApi {
    const address = url === undefined ? null : new URL(url);
    const sdk = new Stripe(secretKey, {
      telemetry: false,
      maxNetworkRetries: 0,
      timeout: ATTEMPT_LIMIT_MS,
      // The SDK's own agent keeps idle connections for ever.
      httpAgent: connectionsFor(address?.protocol ?? "https:"),
      ...(address && {
        host: address.hostname,
        port: address.port || (address.protocol === "http:" ? "80" : "443"),
        protocol: address.protocol === "http:" ? "http" : "https",
      }),
    });
    return new StripeApi(sdk, isLiveKey(secretKey), Number.POSITIVE_INFINITY);
  }

  /**
   * The same client, bound to the deadline of one call.
   * @param deadline epoch milliseconds by which the call must respond
   */
  until(deadline: number): StripeApi {
    return new StripeApi(this.#sdk, this.isLive, deadline);
  }

  /**
   * Sends one request. While another call holds the same idempotency key, it waits and tries again.
   * @param work receives the SDK and the options that it must pass as the request's last argument
   * @returns what `work` returns
   * @throws NestError `stripe_error`, whose cause is the SDK's error; `unavailable` if no time is left
   */
  async request<Result>(
    work: (stripe: Stripe, options: Stripe.RequestOptions) => Promise<Result>,
    { idempotencyKey, limitMs = ATTEMPT_LIMIT_MS }: StripeRequestOptions = {},
  ): Promise<Result> {
    for (;;) {
      const timeout = Math.min(limitMs, this.#deadline - Date.now());
      if (timeout < SHORTEST_ATTEMPT_MS)
        throw new NestError("unavailable", { detail: "no time left for Stripe" });
      const options = { timeout, ...(idempotencyKey === undefined ? {} : { idempotencyKey }) };
      try {
        return await work(this.#sdk, options);
      } catch (cause) {
        const isKeyInUse = idempotencyKey !== undefined && stripeRefusal(cause)?.statusCode === 409;
        if (!isKeyInUse) throw new NestError("stripe_error", { cause, detail: describe(cause) });
        // A concurrent call holds the key. Once it is done, Stripe returns the same response to both calls.
        await wait(KEY_IN_USE_WAIT_MS);
      }
    }
  }
}

/** Type, code and status only: Stripe's message can quote personal data of the request. */
function describe(cause: unknown): string {
  if (!(cause instanceof Stripe.errors.StripeError)) return "Stripe: unknown failure";
  return ["Stripe:", cause.type, cause.code, cause.statusCode].filter(Boolean).join(" ");
}

/** An error response of Stripe. */
export interface StripeRefusal {
  /** The HTTP status. */
  statusCode: number;
  code: string | undefined;
  /** The parameter that it is about, such as `line_items[0][price]`. */
  param: string | undefined;
}

/**
 * Stripe's error response.
 * @returns null if Stripe sent no response, or the error is not Stripe's
 */
export function stripeRefusal(error: unknown): StripeRefusal | null {
  const cause = error instanceof NestError ? error.cause : error;
  if (!(cause instanceof Stripe.errors.StripeError) || cause.statusCode === undefined) return null;
  return { statusCode: cause.statusCode, code: cause.code, param: cause.param };
}

/** Requests sent concurrently. One by one, those for the payments of years would exceed the time limit of an event. */
const CONCURRENCY = 5;

/**
 * Calls a function for each item, a few items at a time.
 * @returns the results in the order of the items
 * @throws what the function throws first; later items are not started then
 */
export async function mapInBatches<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let start = 0; start < items.length; start += CONCURRENCY)
    results.push(...(await Promise.all(items.slice(start, start + CONCURRENCY).map(work))));
  return results;
}

/** Collects at most `limit` items of a list, following its pages. For lists that are short by nature. */
export async function listAll<Item>(list: AsyncIterable<Item>, limit = 500): Promise<Item[]> {
  const items: Item[] = [];
  for await (const item of list) {
    items.push(item);
    if (items.length >= limit) break;
  }
  return items;
}

/**
 * Opens Stripe with the key of the environment.
 * @throws ConfigError for an invalid key; for a live key outside production, which could cancel real subscriptions; for a
 *   test key in production, which would store test subscriptions there
 */
export function openStripe(environment: Environment): StripeApi {
  const config = readConfig(stripeVariables, environment);
  const { STAGE = "" } = environment;
  const isLive = isLiveKey(config.STRIPE_SECRET_KEY);
  const isOtherMode = isLive ? ["local", "nonprod"].includes(STAGE) : STAGE === "prod";
  if (isOtherMode && config.STRIPE_URL === undefined)
    throw new ConfigError(["STRIPE_SECRET_KEY"], `a ${isLive ? "live" : "test"} key with STAGE=${STAGE}`);
  return StripeApi.open(config.STRIPE_SECRET_KEY, config.STRIPE_URL);
}
