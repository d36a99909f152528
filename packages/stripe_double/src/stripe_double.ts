import type { AddressInfo } from "node:net";
import { seedCatalogue } from "./catalogue.ts";
import { type Controls, createControls } from "./controls.ts";
import { livingCustomer } from "./customers.ts";
import {
  createDeliveries,
  type DeliveryAttempt,
  type DeliveryBehaviour,
  type SignedEvent,
} from "./deliveries.ts";
import type { RecordedRequest } from "./exchanges.ts";
import { createFaults, type StripeFault } from "./faults.ts";
import { createIdempotencyKeys } from "./idempotency.ts";
import { catchUp } from "./life.ts";
import { openPortal, type PortalSettings } from "./portal.ts";
import { createStripeServer } from "./server.ts";
import { stripeRoutes } from "./stripe_routes.ts";
import { type SubscriptionSummary, summarize } from "./summary.ts";
import type { Customer, DeletedCustomer, DoubleEvent, Refund, Subscription } from "./types.ts";
import { createWorld } from "./world.ts";

export interface StripeDoubleOptions {
  /** Ephemeral unless told. */
  port?: number;
  secretKey?: string;
  webhookSecret?: string;
  webhookUrl?: string;
  /** The clock that the double's time starts from, in milliseconds; the real one unless told. */
  now?: () => number;
  /** The time in webhook signatures, in milliseconds; the real one unless told. */
  signedAt?: () => number;
  /** How long a webhook waits before each further try, in milliseconds. */
  retryDelays?: readonly number[];
}

/** A running double. */
export interface StripeDouble extends Controls {
  mode: "double";
  url: string;
  host: string;
  port: number;
  secretKey: string;
  webhookSecret: string;
  /** API calls, oldest first. */
  requests: RecordedRequest[];
  /** Copies, oldest first. */
  customers(): (Customer | DeletedCustomer)[];
  subscriptions(): Subscription[];
  refunds(): Refund[];
  /** All, or only the newest so many. */
  events(newest?: number): DoubleEvent[];
  /** Every subscription with what a person wants to know of it, newest first. */
  summary(): SubscriptionSummary[];
  /** Where events go; null keeps them from being sent at all. */
  deliverTo(url: string | null): void;
  deliveries(behaviour: DeliveryBehaviour): void;
  /** Events that wait because deliveries are held, oldest first; whoever takes one removes it. */
  held: DoubleEvent[];
  /** Sends the held events as if they had just happened, and waits until all has arrived. */
  flush(): Promise<void>;
  /** Sends one event once, now, and answers the status; null when no answer came. */
  deliver(event: DoubleEvent): Promise<number | null>;
  /** Resolves when no delivery is under way and none is due. */
  settled(): Promise<void>;
  deliveryAttempts: DeliveryAttempt[];
  /** Events given up after the last try. */
  failedDeliveries: DoubleEvent[];
  /** The exact bytes and header that a delivery of this event would have now. */
  signedEvent(event: object): SignedEvent;
  fault(fault: StripeFault): void;
  /** The fault that is still armed, with the calls that are left. */
  armed(): StripeFault;
  /** A new link to a customer's billing portal. */
  openPortal(customer: string): string;
  /** Where the portal leads back to, as its configuration would say. */
  portalReturnsTo(url: string): void;
  /** How long every API call takes from now on. */
  latency(ms: number): void;
  /** Forgets the logs of requests and deliveries. */
  clear(): void;
  /** Back to how it started: an empty account, no fault, no latency, the clock at its start. The target stays. */
  reset(): void;
  close(): Promise<void>;
}

const HOST = "127.0.0.1";
const RETRY_DELAYS_MS = [50, 100, 200, 400, 800, 1600, 3200];

/** A stateful Stripe on loopback for the calls Nest makes, which the unmodified SDK talks to. */
export async function startStripeDouble(options: StripeDoubleOptions = {}): Promise<StripeDouble> {
  const {
    port: wantedPort = 0,
    secretKey = "sk_test_double",
    webhookSecret = "whsec_double",
    webhookUrl = null,
    now = Date.now,
    signedAt = Date.now,
    retryDelays = RETRY_DELAYS_MS,
  } = options;
  const world = createWorld(now);
  seedCatalogue(world);
  const deliveries = createDeliveries({ secret: webhookSecret, signedAt, retryDelays, forced: world.forced });
  deliveries.to(webhookUrl);
  world.listener = deliveries.add;
  world.hasListener = deliveries.hasTarget;
  const faults = createFaults();
  const keys = createIdempotencyKeys();
  const requests: RecordedRequest[] = [];
  const portal: PortalSettings = { base: "", returnUrl: null };
  let latency = 0;
  const server = createStripeServer({
    world,
    routes: stripeRoutes(portal),
    faults,
    keys,
    requests,
    secretKey,
    latency: () => latency,
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(wantedPort, HOST, resolve);
  });
  const { port } = server.address() as AddressInfo;
  const url = `http://${HOST}:${port}`;
  portal.base = url;

  return {
    ...createControls(world),
    mode: "double",
    url,
    host: HOST,
    port,
    secretKey,
    webhookSecret,
    requests,
    customers: () => structuredClone([...world.tables.customers.values()]),
    subscriptions: () => structuredClone([...world.tables.subscriptions.values()]),
    refunds: () => structuredClone([...world.tables.refunds.values()]),
    events: (newest = Number.POSITIVE_INFINITY) =>
      structuredClone([...world.tables.events.values()].slice(-newest)),
    summary() {
      catchUp(world);
      return summarize(world);
    },
    deliverTo: deliveries.to,
    deliveries: deliveries.behave,
    held: deliveries.held,
    async flush() {
      deliveries.release();
      await deliveries.settled();
    },
    deliver: deliveries.send,
    settled: deliveries.settled,
    deliveryAttempts: deliveries.attempts,
    failedDeliveries: deliveries.failed,
    signedEvent: deliveries.sign,
    fault: faults.arm,
    armed: faults.armed,
    openPortal: (id) => openPortal(world, portal, { customer: livingCustomer(world, id).id }).url,
    portalReturnsTo(returnUrl) {
      portal.returnUrl = returnUrl;
    },
    latency(ms) {
      latency = ms;
    },
    clear() {
      requests.splice(0);
      deliveries.attempts.splice(0);
    },
    reset() {
      world.reset();
      seedCatalogue(world);
      deliveries.reset();
      deliveries.behave({ duplicates: 0, shuffle: null, isHeld: false });
      faults.arm({ calls: 0, kind: "none" });
      keys.clear();
      requests.splice(0);
      latency = 0;
    },
    async close() {
      await deliveries.close();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}
