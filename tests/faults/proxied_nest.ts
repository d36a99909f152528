import { setTimeout as wait } from "node:timers/promises";
import { handler as sesEvents } from "#callbacks/ses_events.ts";
import { STRIPE_EVENT_TYPES } from "#core/billing/events/event_types.ts";
import { plusSeconds } from "#core/clock.ts";
import { serveEvent } from "#entry/event.ts";
import { lambdaContext } from "#tests/support/lambda_event.ts";
import type { Reply, TestClock, TestNest } from "#tests/support/nest.ts";
import { startShop } from "#tests/support/plans.ts";
import { serverOf, throughProxy } from "#tools/local/database/uri.ts";
import { type FaultProxy, httpProtocol, mongoProtocol, startFaultProxy } from "#tools/machine/fault_proxy.ts";

/** Prices of plans of `startShop`, beside the one of its trial. */
const PLAN_PRICES = [{ id: "price_pro", currency: "gbp", unitAmount: 999, interval: "month" as const }];

export const DEPENDENCIES = ["database", "mail", "SMS", "Stripe", "breach list"] as const;
export type Dependency = (typeof DEPENDENCIES)[number];

/** A Nest with a fault proxy in front of each dependency. */
export interface ProxiedNest {
  nest: TestNest;
  proxies: Record<Dependency, FaultProxy>;
  /** Ends every fault. Resolves when Nest has recovered. @throws Error if it does not recover */
  clearFaults(): Promise<void>;
  /** Delivers every event that was not processed yet, until it is processed. */
  deliverEvents(): Promise<void>;
  /** Calls the function for SES events, as EventBridge does. Status 204: it succeeded; 500: it threw. */
  sesEvent(event: object): Promise<Reply>;
  stop(): Promise<void>;
}

/** Longer than a lease and than the claim on a mail. */
const LEASE_EXPIRY_SECONDS = 150;
/** The driver checks a lost server every half second. */
const RECOVERED_WITHIN_MS = 10_000;
/** The largest number of connections that a call opens in parallel. Each may have been cut. */
const CONNECTIONS = 8;
const isOurs = (type: string) => (STRIPE_EVENT_TYPES as string[]).includes(type);

function movableClock(): TestClock {
  let moved = 0;
  return {
    now: () => plusSeconds(new Date(), moved),
    advance: (seconds) => {
      moved += seconds;
    },
  };
}

/** @param base a Nest whose database it shares; it has its own doubles of SES and Stripe */
export async function startProxiedNest(base: TestNest): Promise<ProxiedNest> {
  const proxies: Record<Dependency, FaultProxy> = {
    database: await startFaultProxy(mongoProtocol),
    mail: await startFaultProxy(httpProtocol),
    SMS: await startFaultProxy(httpProtocol),
    Stripe: await startFaultProxy(httpProtocol),
    "breach list": await startFaultProxy(httpProtocol),
  };
  proxies.database.forwardTo(serverOf(base.mongoUri));
  const nest = await startShop({
    plans: PLAN_PRICES,
    clock: movableClock(),
    environment: {
      MONGODB_URI: throughProxy(base.mongoUri, proxies.database.port),
      AWS_ENDPOINT_URL_SESV2: `http://127.0.0.1:${proxies.mail.port}`,
      AWS_ENDPOINT_URL_SNS: `http://127.0.0.1:${proxies.SMS.port}`,
      STRIPE_URL: `http://127.0.0.1:${proxies.Stripe.port}`,
      HIBP_URL: `http://127.0.0.1:${proxies["breach list"].port}`,
      LIMIT_MAILS_PER_HOUR: "0",
    },
  });
  proxies.mail.forwardTo(serverOf(nest.ses.url));
  proxies.SMS.forwardTo(serverOf(nest.sns.url));
  proxies.Stripe.forwardTo(serverOf(nest.stripe.url));
  proxies["breach list"].forwardTo(serverOf(nest.hibp.url));
  const delivered = new Set<string>();
  const serve = serveEvent(sesEvents.declaration, nest.gateway);
  return {
    nest,
    proxies,
    async clearFaults() {
      for (const proxy of Object.values(proxies)) proxy.clear();
      // Lets the clients notice which of their connections are closed.
      await wait(20);
      const end = Date.now() + RECOVERED_WITHIN_MS;
      for (let good = 0; good < CONNECTIONS; good++) {
        let last: unknown = null;
        const isGood = await nest
          .collection("users")
          .findOne({ _id: "nobody" })
          .then(
            () => true,
            (error) => {
              last = error;
              return false;
            },
          );
        if (!isGood) good = -1;
        if (Date.now() > end)
          throw new Error(`Nest did not recover within ${RECOVERED_WITHIN_MS} ms.`, { cause: last });
        if (!isGood) await wait(50);
      }
    },
    async deliverEvents() {
      for (let round = 0; round < 10; round++) {
        const waiting = nest.stripe.events().filter(({ id, type }) => isOurs(type) && !delivered.has(id));
        if (waiting.length === 0) return;
        for (const event of waiting) if ((await nest.webhook(event)).status < 300) delivered.add(event.id);
        if (round > 0) nest.clock.advance(LEASE_EXPIRY_SECONDS);
      }
      throw new Error("some events never succeeded");
    },
    async sesEvent(event) {
      const isDone = await serve(event, lambdaContext()).then(
        () => true,
        () => false,
      );
      const body = isDone ? undefined : { code: "error" };
      return { status: isDone ? 204 : 500, headers: {}, body, raw: "", cookies: [] };
    },
    async stop() {
      await nest.stop();
      for (const proxy of Object.values(proxies)) await proxy.close();
    },
  };
}
