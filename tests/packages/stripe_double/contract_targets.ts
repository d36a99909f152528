import { setTimeout as wait } from "node:timers/promises";
import Stripe from "stripe";
import { DEFAULT_PRICE, DEFAULT_PRODUCT } from "#stripe_double/settings.ts";
import { startStripeDouble } from "#stripe_double/stripe_double.ts";
import { expectInvalidTraffic } from "#tests/support/stripe_traffic_check.ts";
import { requireTestKey } from "#tools/local/stripe_account/test_key.ts";

/** An account at some Stripe, with something to sell. Disposing takes away what was made in it. */
export interface Account extends AsyncDisposable {
  stripe: Stripe;
  secretKey: string;
  /** Where it is, if it is not Stripe's own. */
  url: string | undefined;
  /** £4.99 a month. */
  price: string;
  product: string;
  /** For the billing portal; undefined for the account's default. */
  portal: string | undefined;
  /** A test clock that starts now. */
  startClock(): Promise<Stripe.TestHelpers.TestClock>;
  /** Moves a clock, and waits until all has been lived through. */
  advance(clock: string, to: number): Promise<void>;
  /** Runs work that asks what no Stripe takes, on purpose. */
  expectInvalidTraffic<Result>(work: () => Promise<Result>): Promise<Result>;
  /** Something that was made and must go. */
  deleteLater(work: () => Promise<unknown>): void;
  /** Tries until it holds: Stripe takes its time, the double takes none. */
  until<Found>(what: string, look: () => Promise<Found | null | undefined | false>): Promise<Found>;
}

export interface ContractTarget {
  name: string;
  open(): Promise<Account>;
  /** How long one test may take, in ms. */
  patience: number;
}

/** Names the key of a Stripe sandbox. */
const KEY = "STRIPE_CONTRACT_KEY";
const PATIENCE_MS = 15 * 60_000;
const STEP_MS = 1_000;
/** The double needs no second look, unless the machine is so busy that a request took too long. */
const PROMPT = { patience: 60_000, tries: 5 };

const double: ContractTarget = { name: "the double", patience: PROMPT.patience, open: openDouble };

/** The double always, and a real Stripe sandbox where STRIPE_CONTRACT_KEY names the key of one. */
export const CONTRACT_TARGETS: readonly ContractTarget[] = process.env[KEY]
  ? [double, sandboxOf(process.env[KEY])]
  : [double];

function sandboxOf(key: string): ContractTarget {
  requireTestKey(KEY, key);
  return { name: "a Stripe sandbox", patience: PATIENCE_MS, open: () => openSandbox(key) };
}

function connect(key: string, url: string | undefined): Stripe {
  const address = url === undefined ? null : new URL(url);
  return new Stripe(key, {
    telemetry: false,
    ...(address && { host: address.hostname, port: address.port, protocol: "http" }),
  });
}

async function openDouble(): Promise<Account> {
  const { secretKey, url, close } = await startStripeDouble();
  const sold = { price: DEFAULT_PRICE, product: DEFAULT_PRODUCT, portal: undefined, expectInvalidTraffic };
  return accountOf({ secretKey, url, ...sold, tries: PROMPT.tries, deletions: [close] });
}

/** Makes what it sells, so that nothing has to be set up in the sandbox. */
async function openSandbox(secretKey: string): Promise<Account> {
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
  const portal = url === undefined ? await makePortal(stripe, deletions) : undefined;
  return accountOf({
    secretKey,
    url,
    price: price.id,
    product: product.id,
    portal,
    // Nobody here sees what goes to it.
    expectInvalidTraffic: (work) => work(),
    tries: PATIENCE_MS / STEP_MS,
    deletions,
  });
}

/** A sandbox has no portal before somebody sets one up. */
async function makePortal(stripe: Stripe, deletions: Deletion[]): Promise<string> {
  const { configurations } = stripe.billingPortal;
  const { id } = await configurations.create({ features: { invoice_history: { enabled: true } } });
  deletions.push(() => configurations.update(id, { active: false }));
  return id;
}

type Deletion = () => Promise<unknown>;
type Opened = Pick<Account, "secretKey" | "url" | "price" | "product" | "portal" | "expectInvalidTraffic">;

function accountOf({
  tries,
  deletions,
  ...opened
}: Opened & { tries: number; deletions: Deletion[] }): Account {
  const stripe = connect(opened.secretKey, opened.url);
  const account: Account = {
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
      await account.until("the test clock has arrived", async () => {
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
        if (left <= 1) throw new Error(`It never happened: ${what}`);
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
