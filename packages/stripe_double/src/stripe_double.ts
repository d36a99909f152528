import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type Account, createAccount } from "./account.ts";
import { seedCatalog } from "./catalog.ts";
import { createControls } from "./controls.ts";
import { requireCustomer } from "./customers.ts";
import { Deliveries, type DeliveryBehavior } from "./deliveries.ts";
import type { StripeDouble, StripeDoubleOptions } from "./double.ts";
import { createFaults } from "./faults.ts";
import { createIdempotencyKeys } from "./idempotency.ts";
import { openPortal, type PortalSettings } from "./portal.ts";
import { runDueTasks } from "./schedule.ts";
import { createStripeServer } from "./server.ts";
import { stripeRoutes } from "./stripe_routes.ts";
import { summarize } from "./summary.ts";
import type { RecordedRequest } from "./traffic.ts";
import type { DoubleEvent } from "./types.ts";

export type { StripeDouble, StripeDoubleOptions } from "./double.ts";

const HOST = "127.0.0.1";
const RETRY_DELAYS_MS = [50, 100, 200, 400, 800, 1600, 3200];

/**
 * Starts a stateful double of Stripe's API on loopback. Point Stripe's unmodified SDK at its `host` and `port`.
 * @throws Error if the port is in use
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
  const deliveries = new Deliveries({ secret: webhookSecret, signedAt, retryDelaysMs, forced });
  deliveries.target = webhookUrl;
  account.listener = (event) => deliveries.add(event);
  account.hasListener = () => deliveries.target !== null;
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
  const port = await listen(server, wantedPort);
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
    ...createViews(account),
    ...deliveryControls(deliveries),
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

type Views = Pick<
  StripeDouble,
  "checkoutSessions" | "customers" | "subscriptions" | "refunds" | "ledger" | "events" | "summary"
>;

function createViews(account: Account): Views {
  return {
    checkoutSessions: () => structuredClone([...account.tables.checkoutSessions.values()]),
    customers: () => structuredClone([...account.tables.customers.values()]),
    subscriptions: () => structuredClone([...account.tables.subscriptions.values()]),
    refunds: () => structuredClone([...account.tables.refunds.values()]),
    ledger() {
      const { invoices, invoicePayments, charges, refunds, disputes, balanceTransactions } = account.tables;
      return structuredClone({
        invoices: [...invoices.values()],
        invoicePayments: [...invoicePayments.values()],
        charges: [...charges.values()],
        refunds: [...refunds.values()],
        disputes: [...disputes.values()],
        balanceTransactions: [...balanceTransactions.values()],
      });
    },
    events: (newest = Number.POSITIVE_INFINITY) => [...account.tables.events.values()].slice(-newest),
    summary() {
      runDueTasks(account);
      return summarize(account);
    },
  };
}

function deliveryControls(deliveries: Deliveries) {
  return {
    deliverTo(url: string | null) {
      deliveries.target = url;
    },
    configureDeliveries: (behavior: DeliveryBehavior) => deliveries.configure(behavior),
    held: deliveries.held,
    async flush() {
      deliveries.release();
      await deliveries.settled();
    },
    deliver: (event: DoubleEvent) => deliveries.send(event),
    settled: () => deliveries.settled(),
    deliveryAttempts: deliveries.attempts,
    failedDeliveries: deliveries.failed,
    signedEvent: (event: object) => deliveries.sign(event),
  };
}

async function listen(server: Server, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, HOST, resolve);
  });
  return (server.address() as AddressInfo).port;
}
