import { setTimeout as wait } from "node:timers/promises";
import { handler as sesEvents } from "#callbacks/ses_events.ts";
import { STRIPE_EVENT_TYPES } from "#core/billing/events/event_types.ts";
import { plusSeconds } from "#core/clock.ts";
import { serveEvent } from "#entry/event.ts";
import { type FaultProxy, httpProtocol, mongoProtocol, startFaultProxy } from "#tests/support/fault_proxy.ts";
import { lambdaContext } from "#tests/support/lambda_event.ts";
import { type Reply, startNest, type TestClock, type TestNest } from "#tests/support/nest.ts";

/** What Nest depends on. */
export const DEPENDENCIES = ["database", "mail", "Stripe"] as const;
export type Dependency = (typeof DEPENDENCIES)[number];

/** A Nest whose every dependency stands behind a proxy. Several work side by side, since most of a fault is waiting. */
export interface ProxiedNest {
  nest: TestNest;
  proxies: Record<Dependency, FaultProxy>;
  /** All is well again. Resolves when Nest has noticed, which it does by itself. */
  clearFaults(): Promise<void>;
  /** Stripe posts everything that was not taken yet until it is. */
  deliverEvents(): Promise<void>;
  /** EventBridge calls the function that takes SES's events: an error is all that it is told. */
  sesEvent(event: object): Promise<Reply>;
  stop(): Promise<void>;
}

/** Longer than a lease and than a mail's claim. */
const PATIENCE_SECONDS = 150;
/** The driver asks a server that was lost every half a second. */
const RECOVERED_WITHIN_MS = 10_000;
/** As many as a call opens side by side: each of them may have been cut. */
const CONNECTIONS = 8;
const isOurs = (type: string) => (STRIPE_EVENT_TYPES as string[]).includes(type);

const target = (url: string) => {
  const { hostname, port } = new URL(url.replace(/^mongodb/, "http"));
  return { host: hostname, port: Number(port) };
};

function movableClock(): TestClock {
  let moved = 0;
  return {
    now: () => plusSeconds(new Date(), moved),
    advance: (seconds) => {
      moved += seconds;
    },
  };
}

/** @param base whose database it shares; the doubles of SES and Stripe are its own */
export async function startProxiedNest(base: TestNest): Promise<ProxiedNest> {
  const proxies: Record<Dependency, FaultProxy> = {
    database: await startFaultProxy(mongoProtocol),
    mail: await startFaultProxy(httpProtocol),
    Stripe: await startFaultProxy(httpProtocol),
  };
  proxies.database.forwardTo(target(base.mongoUri));
  const uri = new URL(base.mongoUri.replace(/^mongodb/, "http"));
  uri.port = String(proxies.database.port);
  uri.searchParams.set("directConnection", "true");
  const nest = await startNest({
    clock: movableClock(),
    environment: {
      MONGODB_URI: uri.href.replace(/^http/, "mongodb"),
      AWS_ENDPOINT_URL_SESV2: `http://127.0.0.1:${proxies.mail.port}`,
      STRIPE_URL: `http://127.0.0.1:${proxies.Stripe.port}`,
      LIMIT_MAILS_PER_HOUR: "0",
    },
  });
  proxies.mail.forwardTo(target(nest.ses.url));
  proxies.Stripe.forwardTo(target(nest.stripe.url));
  const taken = new Set<string>();
  const serve = serveEvent(sesEvents.declaration, nest.gateway);
  return {
    nest,
    proxies,
    async clearFaults() {
      for (const proxy of Object.values(proxies)) proxy.clear();
      // Until the clients have heard which of their connections are gone.
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
          throw new Error(
            `Nest has not recovered ${good} ${(last as Error)?.name} ${(last as Error)?.message} ${(last as Error)?.stack}`,
          );
        if (!isGood) await wait(50);
      }
    },
    async deliverEvents() {
      for (let round = 0; round < 10; round++) {
        const waiting = nest.stripe.events().filter(({ id, type }) => isOurs(type) && !taken.has(id));
        if (waiting.length === 0) return;
        for (const event of waiting) if ((await nest.webhook(event)).status < 300) taken.add(event.id);
        if (round > 0) nest.clock.advance(PATIENCE_SECONDS);
      }
      throw new Error("Stripe's events are not taken");
    },
    async sesEvent(event) {
      const isDone = await serve(event, lambdaContext()).then(
        () => true,
        () => false,
      );
      const body = isDone ? undefined : { code: "error" };
      return { status: isDone ? 204 : 500, headers: {}, body, raw: "" };
    },
    async stop() {
      await nest.stop();
      for (const proxy of Object.values(proxies)) await proxy.close();
    },
  };
}
