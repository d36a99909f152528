import { setTimeout as wait } from "node:timers/promises";
import Stripe from "stripe";
import { optional, refine, string } from "zod/mini";
import { localOnly, secret } from "#core/config.ts";
import { NestError } from "#core/errors.ts";

/** Stripe gets this long a try, or what is left of the call (contract 1.1). */
const TRY_LIMIT_MS = 2_000;
/** Less than this is no use starting with. */
const SHORTEST_TRY_MS = 100;
const KEY_IN_USE_WAIT_MS = 250;

export const stripeVariables = {
  /** `sk_…`, or a restricted key `rk_…`. */
  STRIPE_SECRET_KEY: secret(string().check(refine((key) => /^[sr]k_(test|live)_\w+$/.test(key)))),
  STRIPE_URL: localOnly(optional(string().check(refine((value) => URL.canParse(value))))),
};

/** Whether a key is of live mode, where money is real. */
export function isLiveKey(key: string): boolean {
  return key.includes("_live_");
}

/** How one request goes out. */
export interface StripeRequest {
  /** Epoch ms by which the call must have answered. */
  deadline: number;
  idempotencyKey?: string;
  /** At most this long in all, in ms; the default is 2 s. */
  limitMs?: number;
}

/** Stripe, with time limits on every request and its failures as one error of ours. */
export class StripeApi {
  readonly #stripe: Stripe;
  /** Whether the key is of live mode, where money is real. */
  readonly isLive: boolean;

  /** @param url another server than Stripe's own, such as the local stack's */
  constructor(secretKey: string, url?: string) {
    this.isLive = isLiveKey(secretKey);
    const address = url === undefined ? null : new URL(url);
    this.#stripe = new Stripe(secretKey, {
      telemetry: false,
      maxNetworkRetries: 0,
      timeout: TRY_LIMIT_MS,
      ...(address && {
        host: address.hostname,
        port: address.port || (address.protocol === "http:" ? "80" : "443"),
        protocol: address.protocol === "http:" ? "http" : "https",
      }),
    });
  }

  /**
   * Sends one request.
   * @param work gets the SDK and the options to pass as the request's last argument
   * @throws NestError stripe_error, whose cause is the SDK's error, or unavailable if no time is left
   */
  async request<Result>(
    { deadline, idempotencyKey, limitMs = TRY_LIMIT_MS }: StripeRequest,
    work: (stripe: Stripe, options: Stripe.RequestOptions) => Promise<Result>,
  ): Promise<Result> {
    for (;;) {
      const timeout = Math.min(limitMs, deadline - Date.now());
      if (timeout < SHORTEST_TRY_MS)
        throw new NestError("unavailable", { detail: "no time left for Stripe" });
      const options = { timeout, ...(idempotencyKey === undefined ? {} : { idempotencyKey }) };
      try {
        return await work(this.#stripe, options);
      } catch (cause) {
        const isUnderWay = idempotencyKey !== undefined && stripeRefusal(cause)?.statusCode === 409;
        if (!isUnderWay) throw new NestError("stripe_error", { cause, detail: describe(cause) });
        // A call beside this one holds the key: its answer will be ours too.
        await wait(KEY_IN_USE_WAIT_MS);
      }
    }
  }
}

/** Kind, code and status; Stripe's message can quote what was sent. */
function describe(cause: unknown): string {
  if (!(cause instanceof Stripe.errors.StripeError)) return "Stripe: unknown failure";
  return ["Stripe:", cause.type, cause.code, cause.statusCode].filter(Boolean).join(" ");
}

/** Stripe's answer to a request that failed: its status and code; null if no answer came. */
export function stripeRefusal(error: unknown): { statusCode: number; code: string | undefined } | null {
  const cause = error instanceof NestError ? error.cause : error;
  if (!(cause instanceof Stripe.errors.StripeError) || cause.statusCode === undefined) return null;
  return { statusCode: cause.statusCode, code: cause.code };
}

/** Collects a list that is short by nature, following its pages up to a bound. */
export async function listAll<Item>(list: AsyncIterable<Item>, limit = 500): Promise<Item[]> {
  const items: Item[] = [];
  for await (const item of list) {
    items.push(item);
    if (items.length >= limit) break;
  }
  return items;
}
