import Stripe from "stripe";
import { STRIPE_EVENT_TYPES } from "#core/billing/events/event_types.ts";
import type { StripeApi } from "#core/services/stripe.ts";
import { readAll } from "#tools/stage/stripe/read_all.ts";

export interface EventPollerOptions {
  stripe: StripeApi;
  /** The webhook secret that events are signed with. */
  secret: string;
  /** Posts an event to the webhook. Resolves with the HTTP status, or null when there was no response. */
  post(body: string, signature: string): Promise<number | null>;
  /** The time in signatures, in ms. Default: `Date.now`. */
  signedAt?: () => number;
  /** The waits before the retries of a failed delivery, in ms. */
  retryDelaysMs?: readonly number[];
}

/** One attempt to deliver one event. */
export interface PolledDelivery {
  id: string;
  type: string;
  /** The HTTP status, or null when there was no response. */
  status: number | null;
}

export interface EventPoller {
  /**
   * Fetches new events and posts them and due retries, oldest first.
   * @throws NestError stripe_error
   */
  poll(): Promise<PolledDelivery[]>;
}

const RETRY_DELAYS_MS = [0, 5_000, 15_000, 60_000, 300_000];
/** Stripe lists an event with a delay and not strictly in order, so each poll overlaps with the previous one. */
const OVERLAP_SECONDS = 3_600;

interface DeliveryState {
  attempts: number;
  /** When the next attempt is due, in epoch ms. Infinity after a 2xx response or the last retry. */
  due: number;
}

/**
 * Delivers events to a webhook that Stripe can't reach, such as one on this machine. Fetches the event types that Nest handles
 * from `GET /v1/events` and posts each event signed, until the response is 2xx or the last retry has failed. Ignores events from
 * before the poller was created.
 */
export function createEventPoller(options: EventPollerOptions): EventPoller {
  const { stripe, secret, post, signedAt = Date.now, retryDelaysMs = RETRY_DELAYS_MS } = options;
  const types: string[] = STRIPE_EVENT_TYPES;
  const states = new Map<string, DeliveryState>();
  const createdAt = Math.floor(Date.now() / 1000);
  let lastPollAt = createdAt;

  async function list(): Promise<Stripe.Event[]> {
    const startedAt = Math.floor(Date.now() / 1000);
    const gte = Math.max(createdAt, lastPollAt - OVERLAP_SECONDS);
    const newestFirst = await readAll(
      stripe,
      (sdk, request) => sdk.events.list({ types, created: { gte }, limit: 100 }, request),
      (event) => event,
    );
    lastPollAt = startedAt;
    return newestFirst.reverse();
  }

  async function deliver(event: Stripe.Event): Promise<PolledDelivery> {
    const { attempts } = states.get(event.id) ?? { attempts: 0 };
    const body = JSON.stringify(event);
    const timestamp = Math.floor(signedAt() / 1000);
    const signature = Stripe.webhooks.generateTestHeaderString({ payload: body, secret, timestamp });
    const status = await post(body, signature).catch(() => null);
    const isAccepted = status !== null && status < 300;
    const delayMs = isAccepted ? undefined : retryDelaysMs[attempts];
    states.set(event.id, {
      attempts: attempts + 1,
      due: delayMs === undefined ? Infinity : Date.now() + delayMs,
    });
    return { id: event.id, type: event.type, status };
  }

  return {
    async poll() {
      const deliveries: PolledDelivery[] = [];
      for (const event of await list()) {
        if ((states.get(event.id)?.due ?? 0) > Date.now()) continue;
        deliveries.push(await deliver(event));
      }
      return deliveries;
    },
  };
}
