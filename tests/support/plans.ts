import app from "#app";
import type { App, Plan } from "#core/app/app.ts";
import {
  type CallOptions,
  PRICE_ID,
  PRODUCT_ID,
  type Reply,
  type StartOptions,
  startNest,
  type TestNest,
} from "#tests/support/nest.ts";
import { withSampleClients } from "#tools/local/sample_clients.ts";

export const V3 = "/1/2026-12-01/";
export const SUCCESS = "https://app.example/thanks";
export const CANCEL = "https://app.example/plans";

const plan = (id: string, priceId: string, change: Partial<Plan> = {}): Plan => ({
  id,
  name: { en: id, de: `${id} (de)` },
  isOffered: true,
  prices: { local: { priceId, productId: PRODUCT_ID } },
  interval: "month",
  amount: { currency: "gbp", unitAmount: 499 },
  trialDays: null,
  features: ["sync"],
  ...change,
});

/** An app with a monthly plan that has a trial, a dearer one, a yearly one, and one that nobody can buy anymore. */
export const appWithPlans: App = {
  ...app,
  clients: app.clients.map((client) => ({
    ...client,
    checkoutUrls: [SUCCESS, CANCEL],
    accessTokenLifetimeSeconds: { local: 864_000, nonprod: 864_000, prod: 864_000 },
  })),
  plans: [
    plan("basic", PRICE_ID, { trialDays: 14 }),
    plan("pro", "price_pro", {
      amount: { currency: "gbp", unitAmount: 999 },
      features: ["sync", "teams"],
    }),
    plan("yearly", "price_yearly", { interval: "year", amount: { currency: "gbp", unitAmount: 4900 } }),
    plan("old", "price_old", { isOffered: false }),
  ],
};

/** A signed-in person of an app with plans. */
export interface Shopper {
  userId: string;
  bearer: string;
  /** Calls a method of 2026-12-01. */
  call(method: string, body: object, options?: CallOptions): Promise<Reply>;
  /** Asks for a checkout of a plan. */
  checkout(plan: string, change?: object): Promise<Reply>;
  /** Buys a plan on the page of the double, and delivers the events. @returns Stripe's id of the subscription */
  buy(plan: string): Promise<string>;
  /** The status call. */
  status(): Promise<Reply>;
}

/** Starts Nest for an app with plans. */
export const startShop = (options: StartOptions = {}): Promise<TestNest> =>
  startNest({ app: withSampleClients(appWithPlans), ...options });

/** Signs a person in. */
export async function signInShopper(nest: TestNest, address = "ada@example.com"): Promise<Shopper> {
  const { user_id: userId, access_token: bearer } = await nest.signIn(address);
  const call: Shopper["call"] = (method, body, options) =>
    nest.call(`${V3}${method}`, body, { bearer, ...options });
  const checkout: Shopper["checkout"] = (id, change) =>
    call("create_checkout_session", { plan: id, success_url: SUCCESS, cancel_url: CANCEL, ...change });
  return {
    userId,
    bearer,
    call,
    checkout,
    async buy(id) {
      const { status, body } = await checkout(id);
      if (status !== 200) throw new Error(`the checkout was refused: ${JSON.stringify(body)}`);
      const subscription = nest.stripe.payCheckout(sessionIn(body.url));
      if (subscription === null) throw new Error("the payment was declined");
      await nest.deliverEvents();
      return subscription;
    },
    status: () => call("get_subscription_status", { user_id: userId }),
  };
}

/** Stripe's id of the session whose page a URL opens. */
export const sessionIn = (url: string): string => new URL(url).pathname.split("/").at(-1) ?? "";
