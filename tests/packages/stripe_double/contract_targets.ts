import { setTimeout as wait } from "node:timers/promises";
import Stripe from "stripe";
import { DEFAULT_PRICE, DEFAULT_PRODUCT } from "#stripe_double/settings.ts";
import { startStripeDouble } from "#stripe_double/stripe_double.ts";
import { expectInvalidTraffic } from "#tests/support/stripe_traffic_check.ts";
import { requireTestKey } from "#tools/local/stripe_account/test_key.ts";

/** An account of the double or of Stripe, with a product to sell. Disposing deletes what tests created in it. */
export interface ContractAccount extends AsyncDisposable {
  stripe: Stripe;
  secretKey: string;
  /** The URL of the API, or undefined for Stripe's own. */
  url: string | undefined;
  /** £4.99 a month. */
  price: string;
  product: string;
  /** The billing portal configuration, or undefined for the account's default. */
  portal: string | undefined;
  /** Creates a test clock that starts now. */
  startClock(): Promise<Stripe.TestHelpers.TestClock>;
  /** Advances a test clock and waits until its status is `ready`. */
  advance(clock: string, to: number): Promise<void>;
  /** Runs work that sends invalid requests on purpose. */
  expectInvalidTraffic<Result>(work: () => Promise<Result>): Promise<Result>;
  /** Runs a deletion when the account is disposed. */
  deleteLater(work: () => Promise<unknown>): void;
  /** Retries until the result is truthy. Stripe processes some changes asynchronously. `what` is for the error message. */
  until<Found>(what: string, look: () => Promise<Found | null | undefined | false>): Promise<Found>;
}

export interface ContractTarget {
  name: string;
  open(): Promise<ContractAccount>;
  /** The timeout of one test, in ms. */
  timeoutMs: number;
}

/** The environment variable with the secret key of a Stripe sandbox. */
const KEY = "STRIPE_CONTRACT_KEY";
const SANDBOX_TIMEOUT_MS = 15 * 60_000;
const STEP_MS = 1_000;
/** The double is done at the first try, unless a busy machine makes a request time out. */
const DOUBLE_LIMITS = { timeoutMs: 60_000, tries: 5 };

const double: ContractTarget = { name: "the double", timeoutMs: DOUBLE_LIMITS.timeoutMs, open: openDouble };

/** The double, and a Stripe sandbox if STRIPE_CONTRACT_KEY is set. */
export const CONTRACT_TARGETS: readonly ContractTarget[] = process.env[KEY]
  ? [double, sandboxOf(process.env[KEY])]
  : [double];

function sandboxOf(key: string): ContractTarget {
  requireTestKey(KEY, key);
  return { name: "a Stripe sandbox", timeoutMs: SANDBOX_TIMEOUT_MS, open: () => openSandbox(key) };
}

function connect(key: string, url: string | undefined): Stripe {
  const address = url === undefined ? null : new URL(url);
  return new Stripe(key, {
    telemetry: false,
    ...(address && { host: address.hostname, port: address.port, protocol: "http" }),
  });
}

async function openDouble(): Promise<ContractAccount> {
  const { secretKey, url, close } = await startStripeDouble();
  const catalog = { price: DEFAULT_PRICE, product: DEFAULT_PRODUCT, portal: undefined, expectInvalidTraffic };
  return accountOf({ secretKey, url, ...catalog, tries: DOUBLE_LIMITS.tries, deletions: [close] });
}

/** Creates a product and a price, so that the sandbox needs no setup. */
async function openSandbox(secretKey: string): Promise<ContractAccount> {
  const url = process.env.STRIPE_URL || undefined;
  const stripe = connect(secretKey, url);
  const product = await stripe.products.create({ name: "Nest's contract tests" });
  const price = await stripe.prices.create({
    product: product.id,
    currency: "gbp",
    unit_amount: 499,
    recurring: { interval: "month" },
  });
  const deletions = [
    () => stripe.products.update(product.id, { active: false }),
    () => stripe.prices.update(price.id, { active: false }),
  ];
  const portal = url === undefined ? await createPortal(stripe, deletions) : undefined;
  return accountOf({
    secretKey,
    url,
    price: price.id,
    product: product.id,
    portal,
    // The traffic with a sandbox is not checked.
    expectInvalidTraffic: (work) => work(),
    tries: SANDBOX_TIMEOUT_MS / STEP_MS,
    deletions,
  });
}

/** A new sandbox has no billing portal configuration. */
async function createPortal(stripe: Stripe, deletions: Deletion[]): Promise<string> {
  const { configurations } = stripe.billingPortal;
  const { id } = await configurations.create({ features: { invoice_history: { enabled: true } } });
  deletions.push(() => configurations.update(id, { active: false }));
  return id;
}

type Deletion = () => Promise<unknown>;
type Opened = Pick<
  ContractAccount,
  "secretKey" | "url" | "price" | "product" | "portal" | "expectInvalidTraffic"
>;

function accountOf({
  tries,
  deletions,
  ...opened
}: Opened & { tries: number; deletions: Deletion[] }): ContractAccount {
  const stripe = connect(opened.secretKey, opened.url);
  const account: ContractAccount = {
    ...opened,
    stripe,
    async startClock() {
      const clock = await stripe.testHelpers.testClocks.create({
        frozen_time: Math.floor(Date.now() / 1000),
      });
      account.deleteLater(() => stripe.testHelpers.testClocks.del(clock.id));
      return clock;
    },
    async advance(id, frozen_time) {
      await stripe.testHelpers.testClocks.advance(id, { frozen_time });
      await account.until("the test clock is ready", async () => {
        const { status } = await stripe.testHelpers.testClocks.retrieve(id);
        if (status === "internal_failure") throw new Error("Stripe could not advance the test clock");
        return status === "ready";
      });
    },
    deleteLater: (work) => void deletions.unshift(work),
    async until(what, look) {
      for (let left = tries; ; left--) {
        const found = await look();
        if (found) return found;
        if (left <= 1) throw new Error(`Gave up waiting for: ${what}`);
        await wait(STEP_MS);
      }
    },
    async [Symbol.asyncDispose]() {
      const outcomes = [];
      for (const work of deletions) outcomes.push(...(await Promise.allSettled([work()])));
      const failed = outcomes.find((outcome) => outcome.status === "rejected");
      if (failed) throw failed.reason;
    },
  };
  return account;
}
