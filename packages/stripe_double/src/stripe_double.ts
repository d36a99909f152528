import type { AddressInfo } from "node:net";
import { createAccount } from "./account.ts";
import { seedCatalog } from "./catalog.ts";
import { type Controls, createControls } from "./controls.ts";
import { requireCustomer } from "./customers.ts";
import { createDeliveries, type DeliveryAttempt, type DeliveryBehavior } from "./deliveries.ts";
import { createFaults, type StripeFault } from "./faults.ts";
import { createIdempotencyKeys } from "./idempotency.ts";
import { openPortal, type PortalSettings } from "./portal.ts";
import { runDueTasks } from "./schedule.ts";
import { createStripeServer } from "./server.ts";
import type { AccountSettings } from "./settings.ts";
import { stripeRoutes } from "./stripe_routes.ts";
import { type SubscriptionSummary, summarize } from "./summary.ts";
import type { RecordedRequest } from "./traffic.ts";
import type { Customer, DeletedCustomer, DoubleEvent, Refund, Subscription } from "./types.ts";
import type { SignedEvent } from "./webhook_sender.ts";

export interface StripeDoubleOptions {
  /** Default: any free port. */
  port?: number;
  /** Default: `sk_test_double`. */
  secretKey?: string;
  /** Default: `whsec_double`. */
  webhookSecret?: string;
  /** Where events are posted. Default: nowhere. */
  webhookUrl?: string;
  /** The account's name, country and catalog. Default: one product with one monthly price of 4.99 GBP. */
  account?: Partial<AccountSettings>;
  /** The clock that the account's clock starts from, in milliseconds. Default: `Date.now`. */
  now?: () => number;
  /** The time in webhook signatures, in milliseconds. Default: `Date.now`. */
  signedAt?: () => number;
  /** The waits before the retries of a webhook delivery, in milliseconds. */
  retryDelaysMs?: readonly number[];
}

/** A running double. */
export interface StripeDouble extends Controls {
  mode: "double";
  url: string;
  host: string;
  port: number;
  secretKey: string;
  webhookSecret: string;
  /** The API requests received so far, oldest first. */
  requests: RecordedRequest[];
  /** Copies of all customers, oldest first. */
  customers(): (Customer | DeletedCustomer)[];
  subscriptions(): Subscription[];
  refunds(): Refund[];
  /** Copies of the newest events, oldest first. Default: all events. */
  events(newest?: number): DoubleEvent[];
  /** All subscriptions in a short form for pages and logs, newest first. */
  summary(): SubscriptionSummary[];
  /** Sets the URL that events are posted to. With null, events are not sent. */
  deliverTo(url: string | null): void;
  configureDeliveries(behavior: DeliveryBehavior): void;
  /** Events that are not sent because deliveries are held, oldest first. Remove an event to send it yourself. */
  held: DoubleEvent[];
  /** Sends the held events and waits until all deliveries have ended. */
  flush(): Promise<void>;
  /** Sends one event once. Returns the HTTP status, or null when there was no answer. */
  deliver(event: DoubleEvent): Promise<number | null>;
  /** Resolves when no delivery is running and no retry is due. */
  settled(): Promise<void>;
  deliveryAttempts: DeliveryAttempt[];
  /** Events whose last retry failed. */
  failedDeliveries: DoubleEvent[];
  /** The body and signature header that a delivery of this event would have now. */
  signedEvent(event: object): SignedEvent;
  /** Makes the next API requests fail. Replaces the previous fault. */
  fault(fault: StripeFault): void;
  /** The current fault, with the number of requests that it will still fail. */
  armedFault(): StripeFault;
  /** Creates a billing portal session for a customer and returns its URL. */
  openPortal(customer: string): string;
  /** Sets the default return URL of billing portal sessions. */
  portalReturnsTo(url: string): void;
  /** Makes every API request take this long, in milliseconds. */
  latency(ms: number): void;
  /** Empties `requests` and `deliveryAttempts`. */
  clear(): void;
  /** Restores the state after the start: a new account, no fault, no latency. The webhook URL is kept. */
  reset(): void;
  close(): Promise<void>;
}

const HOST = "127.0.0.1";
const RETRY_DELAYS_MS = [50, 100, 200, 400, 800, 1600, 3200];

/**
 * Starts a stateful double of Stripe's API on loopback. Point Stripe's unmodified SDK at its `host` and `port`.
 * @throws Error if the port is taken
 */
export async function startStripeDouble(options: StripeDoubleOptions = {}): Promise<StripeDouble> {
  const {
    port: wantedPort = 0,
    secretKey = "sk_test_double",
    webhookSecret = "whsec_double",
    webhookUrl = null,
    now = Date.now,
    signedAt = Date.now,
    retryDelaysMs = RETRY_DELAYS_MS,
  } = options;
  const account = createAccount(now, options.account);
  seedCatalog(account);
  const { forced } = account;
  const deliveries = createDeliveries({ secret: webhookSecret, signedAt, retryDelaysMs, forced });
  deliveries.to(webhookUrl);
  account.listener = deliveries.add;
  account.hasListener = deliveries.hasTarget;
  const faults = createFaults();
  const keys = createIdempotencyKeys();
  const requests: RecordedRequest[] = [];
  const portal: PortalSettings = { base: "", returnUrl: null };
  let latencyMs = 0;
  const server = createStripeServer({
    account,
    routes: stripeRoutes(portal),
    faults,
    keys,
    requests,
    secretKey,
    latencyMs: () => latencyMs,
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(wantedPort, HOST, resolve);
  });
  const { port } = server.address() as AddressInfo;
  const url = `http://${HOST}:${port}`;
  portal.base = url;

  return {
    ...createControls(account),
    mode: "double",
    url,
    host: HOST,
    port,
    secretKey,
    webhookSecret,
    requests,
    customers: () => structuredClone([...account.tables.customers.values()]),
    subscriptions: () => structuredClone([...account.tables.subscriptions.values()]),
    refunds: () => structuredClone([...account.tables.refunds.values()]),
    events: (newest = Number.POSITIVE_INFINITY) =>
      structuredClone([...account.tables.events.values()].slice(-newest)),
    summary() {
      runDueTasks(account);
      return summarize(account);
    },
    deliverTo: deliveries.to,
    configureDeliveries: deliveries.configure,
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
    armedFault: faults.armed,
    openPortal: (id) => openPortal(account, portal, { customer: requireCustomer(account, id).id }).url,
    portalReturnsTo(returnUrl) {
      portal.returnUrl = returnUrl;
    },
    latency(ms) {
      latencyMs = ms;
    },
    clear() {
      requests.splice(0);
      deliveries.attempts.splice(0);
    },
    reset() {
      account.reset();
      seedCatalog(account);
      deliveries.reset();
      deliveries.configure({ duplicates: 0, shuffle: null, isHeld: false });
      faults.arm({ calls: 0, kind: "none" });
      keys.clear();
      requests.splice(0);
      latencyMs = 0;
    },
    async close() {
      await deliveries.close();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}
