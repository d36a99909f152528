import Stripe from "stripe";
import { STRIPE_EVENT_TYPES } from "#core/billing/events/event_types.ts";
import type { StripeApi } from "#core/services/stripe.ts";
import { readAll } from "#tools/stage/stripe/read_all.ts";

export interface EventPollerOptions {
  stripe: StripeApi;
  /** Events are signed with it, as the endpoint's secret. */
  secret: string;
  /** Takes an event as Stripe would post it, and answers the status; null when no answer came. */
  post(body: string, signature: string): Promise<number | null>;
  /** The time in signatures, in ms; the real one unless told. */
  signedAt?: () => number;
  /** How long an event that was not taken waits before each further try, in ms. */
  retryDelays?: readonly number[];
}

/** One try of one event. */
export interface PolledDelivery {
  id: string;
  type: string;
  /** Null when no answer came. */
  status: number | null;
}

export interface EventPoller {
  /**
   * Asks for what is new, and posts it and what is due again, oldest first.
   * @throws NestError stripe_error
   */
  poll(): Promise<PolledDelivery[]>;
}

const RETRY_DELAYS_MS = [0, 5_000, 15_000, 60_000, 300_000];
/** Stripe lists an event a moment after it happened, and not strictly in order. */
const OVERLAP_SECONDS = 3_600;

interface Try {
  count: number;
  /** When it is due again, in epoch ms; infinitely late when it was taken or given up. */
  due: number;
}

/**
 * Brings events to a webhook that Stripe can't reach, such as one on this machine: fetches those that Nest acts on from
 * Stripe's list (`GET /v1/events`) and posts each as Stripe would, signed, until it is answered 2xx or given up. Events
 * from before it was made are none of its business.
 */
export function createEventPoller(options: EventPollerOptions): EventPoller {
  const { stripe, secret, post, signedAt = Date.now, retryDelays = RETRY_DELAYS_MS } = options;
  const types: string[] = STRIPE_EVENT_TYPES;
  const tries = new Map<string, Try>();
  const madeAt = Math.floor(Date.now() / 1000);
  let askedAt = madeAt;

  async function list(): Promise<Stripe.Event[]> {
    const asking = Math.floor(Date.now() / 1000);
    const gte = Math.max(madeAt, askedAt - OVERLAP_SECONDS);
    const newestFirst = await readAll(
      stripe,
      (sdk, request) => sdk.events.list({ types, created: { gte }, limit: 100 }, request),
      (event) => event,
    );
    askedAt = asking;
    return newestFirst.reverse();
  }

  async function deliver(event: Stripe.Event): Promise<PolledDelivery> {
    const { count } = tries.get(event.id) ?? { count: 0 };
    const body = JSON.stringify(event);
    const timestamp = Math.floor(signedAt() / 1000);
    const signature = Stripe.webhooks.generateTestHeaderString({ payload: body, secret, timestamp });
    const status = await post(body, signature).catch(() => null);
    const isTaken = status !== null && status < 300;
    const delay = isTaken ? undefined : retryDelays[count];
    tries.set(event.id, { count: count + 1, due: delay === undefined ? Infinity : Date.now() + delay });
    return { id: event.id, type: event.type, status };
  }

  return {
    async poll() {
      const deliveries: PolledDelivery[] = [];
      for (const event of await list()) {
        if ((tries.get(event.id)?.due ?? 0) > Date.now()) continue;
        deliveries.push(await deliver(event));
      }
      return deliveries;
    },
  };
}
