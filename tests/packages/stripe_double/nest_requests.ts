import app from "#app";
import { removeUnredeemedTrials } from "#core/billing/trials/remove_unredeemed.ts";
import { DAY } from "#core/clock.ts";
import { billing, stripe } from "#core/parts.ts";
import { StripeApi } from "#core/services/stripe.ts";
import type { RecordedRequest } from "#stripe_double/traffic.ts";
import { runCli } from "#tests/support/cli.ts";
import { linkRequest, startNest, type TestNest, V2 } from "#tests/support/nest.ts";
import { signInShopper, startShop } from "#tests/support/plans.ts";
import { erasePerson } from "#tests/support/trial_removal.ts";

const YEARLY = { id: "price_year", currency: "gbp", unitAmount: 4900, interval: "year" } as const;
/** Those of `startShop`. */
const PLAN_PRICES = ["price_pro", "price_yearly"].map((id) => ({
  ...{ id, currency: "gbp", unitAmount: 999, interval: "month" as const },
}));
const URL = "https://nest.example/1/webhook/stripe";

/** Makes Nest and its CLI send every request shape that their code can send to Stripe. Returns the recorded requests. */
export async function recordNestRequests(): Promise<RecordedRequest[]> {
  const portalReturn = { local: "https://app.example/account", nonprod: null, prod: null };
  const returning = { ...app, urls: { ...app.urls, portalReturn } };
  const nest = await startNest({ app: returning, plans: [YEARLY, ...PLAN_PRICES] });
  try {
    await startTrials(nest);
    await useTrial(nest);
    await startDisplacedTrialAgain(nest);
    await buyTwice(nest);
    await changeDuplicateOften(nest);
    await disputePayment(nest);
    await disputeDuplicate(nest);
    await buyWithPromotionCodeAndKnownCards(nest);
    await returnByCharge(nest);
    await changePlans(nest);
    await buyAgainWhileOverdue(nest);
    await failRefund(nest);
    await startTrialWithCard(nest);
    await useTrialOfFormerCustomer(nest);
    await sellPlans(nest);
    await runCommands(nest);
    await removeTrials(nest);
    return nest.stripe.requests.filter(({ status, isReplay }) => status === 200 && !isReplay);
  } finally {
    await nest.stop();
  }
}

/** After a failed request that Stripe executed, the next attempt searches for the objects that exist already. */
async function startTrials(nest: TestNest): Promise<void> {
  await startTrial(nest, "ada");
  for (const on of ["POST /v1/customers", "POST /v1/subscriptions"]) {
    nest.stripe.fault({ calls: 1, kind: "error_after", on });
    await startTrial(nest, "grace");
  }
  await startTrial(nest, "grace");
  await nest.deliverEvents();
}

const deviceOf = (name: string) => ({ platform: "mac", beak_id: name, fingerprint: name });

function startTrial(nest: TestNest, name: string) {
  const body = linkRequest({ identifier_value: `${name}@example.com`, device: deviceOf(name) });
  return nest.call(`${V2}create_trial_and_magic_link`, body);
}

/** The first status call moves the end of the trial. */
async function useTrial(nest: TestNest, name = "ada"): Promise<void> {
  nest.clock.advance(60);
  const { user_id, access_token } = await nest.signIn(`${name}@example.com`, { device: deviceOf(name) });
  await nest.call(`${V2}get_subscription_status`, { user_id }, { bearer: access_token });
}

/** After the purchase that displaced it has ended, the trial starts again until its original end. */
async function startDisplacedTrialAgain(nest: TestNest): Promise<void> {
  const { id } = nest.stripe.createSubscription({ email: "ada@example.com" });
  await nest.deliverEvents();
  nest.stripe.cancelSubscription(id);
  await nest.deliverEvents();
  await startTrial(nest, "ada");
}

/** The later subscription is canceled and refunded. */
async function buyTwice(nest: TestNest): Promise<void> {
  nest.stripe.createSubscription({ email: "bob@example.com" });
  nest.clock.advance(5);
  nest.stripe.createSubscription({ email: "bob@example.com" });
  await nest.deliverEvents();
}

/** The duplicate has an invoice with more lines than Stripe's response contains. */
async function changeDuplicateOften(nest: TestNest): Promise<void> {
  nest.stripe.createSubscription({ email: "mia@example.com" });
  nest.clock.advance(5);
  const { id } = nest.stripe.createSubscription({ email: "mia@example.com" });
  const item = nest.stripe.subscriptions().find((one) => one.id === id)?.items.data[0]?.id;
  for (const quantity of [2, 3, 4, 5, 6, 7])
    nest.stripe.updateSubscription(id, {
      items: [{ id: item, quantity }],
      proration_behavior: quantity === 7 ? "always_invoice" : "create_prorations",
    });
  await nest.deliverEvents();
}

async function disputePayment(nest: TestNest): Promise<void> {
  const { id } = nest.stripe.createSubscription({ email: "carol@example.com" });
  await nest.deliverEvents();
  nest.stripe.dispute(id);
  await nest.deliverEvents();
}

/** A disputed payment is returned only if its dispute allows it. */
async function disputeDuplicate(nest: TestNest): Promise<void> {
  nest.stripe.createSubscription({ email: "dora@example.com" });
  nest.clock.advance(5);
  nest.stripe.dispute(nest.stripe.createSubscription({ email: "dora@example.com" }).id);
  await nest.deliverEvents();
}

async function buyWithPromotionCodeAndKnownCards(nest: TestNest): Promise<void> {
  const guarded = await startNest({
    beside: nest,
    environment: { REQUIRED_PROMOTION_CODE_ID: "promo_staff", TRIAL_CARD_POLICY: "flag" },
  });
  nest.stripe.createPromotionCode({ id: "promo_staff", percentOff: 50 });
  const promotionCode = "promo_staff";
  nest.stripe.createSubscription({ email: "dan@example.com" });
  nest.stripe.createSubscription({ email: "eve@example.com", promotionCode });
  for (const event of nest.stripe.events()) await guarded.webhook(event);
  await guarded.stop();
}

/** The monthly plan's unused share is credited. After a lost response, the next attempt searches for the credit. */
async function changePlans(nest: TestNest): Promise<void> {
  for (const email of ["gil@example.com", "gus@example.com"]) {
    const { customer } = nest.stripe.createSubscription({ email });
    await nest.deliverEvents();
    nest.clock.advance(60);
    nest.stripe.createSubscription({ email, customer, price: YEARLY.id });
    const on = `POST /v1/customers/${customer}/balance_transactions`;
    if (email.startsWith("gus")) nest.stripe.fault({ calls: 1, kind: "error_after", on });
    await nest.deliverEvents();
    await retryEvents(nest);
  }
}

/** The payment of an overdue subscription is voided when its owner buys again. */
async function buyAgainWhileOverdue(nest: TestNest): Promise<void> {
  nest.stripe.createSubscription({ email: "hal@example.com", status: "past_due" });
  await nest.deliverEvents();
  nest.stripe.createSubscription({ email: "hal@example.com" });
  await nest.deliverEvents();
}

/** A refund is refused, sent again, and fails later. */
async function failRefund(nest: TestNest): Promise<void> {
  nest.stripe.createSubscription({ email: "ivy@example.com" });
  nest.clock.advance(60);
  nest.stripe.createSubscription({ email: "ivy@example.com" });
  nest.stripe.refuseRefunds(["balance_insufficient"]);
  await nest.deliverEvents();
  await retryEvents(nest);
  nest.stripe.failRefund(nest.stripe.refunds().at(-1)?.id ?? "");
  await nest.deliverEvents();
}

/** Retries every event, after the leases of the events and the claims of the mails have expired. */
async function retryEvents(nest: TestNest): Promise<void> {
  nest.clock.advance(150);
  for (const event of nest.stripe.events()) await nest.webhook(event);
}

/** Stripe previews the invoice that the welcome to a trial names. */
async function startTrialWithCard(nest: TestNest): Promise<void> {
  nest.stripe.createSubscription({ email: "joy@example.com", trialDays: 14, card: {} });
  await nest.deliverEvents();
}

/** Nest schedules the end of a trial whose customer has a card; the end moves with the end of the trial. */
async function useTrialOfFormerCustomer(nest: TestNest): Promise<void> {
  const { id } = nest.stripe.createSubscription({ email: "lin@example.com" });
  await nest.deliverEvents();
  nest.stripe.cancelSubscription(id);
  await nest.deliverEvents();
  await startTrial(nest, "lin");
  await nest.deliverEvents();
  await useTrial(nest, "lin");
}

/** A payment of the double always has an intent. Nest sends these requests for a payment that has only a charge. */
async function returnByCharge(nest: TestNest): Promise<void> {
  nest.stripe.createSubscription({ email: "fay@example.com" });
  const charges = nest.stripe.events().filter(({ type }) => type === "charge.succeeded");
  const { id: charge } = charges.map(({ data }) => data.object as { id: string }).at(-1) ?? { id: "" };
  const api = StripeApi.open(nest.stripe.secretKey, nest.stripe.url);
  const refund = {
    charge,
    amount: 100,
    reason: "duplicate",
    metadata: { returned_payment: charge },
  } as const;
  await api.request((stripe, options) => stripe.charges.retrieve(charge, {}, options));
  await api.request((stripe, options) => stripe.refunds.list({ charge, limit: 100 }, options));
  await api.request((stripe, options) => stripe.refunds.create(refund, options));
}

/**
 * A checkout is ordered again, replaced by another and paid. Then the plan changes, and a declined change is dropped. Lee
 * is erased while a checkout is open.
 */
async function sellPlans(nest: TestNest): Promise<void> {
  const shop = await startShop({ beside: nest });
  const person = await signInShopper(shop, "kay@example.com");
  await person.checkout("pro");
  await person.checkout("pro");
  await person.buy("basic");
  await person.call("change_plan", { plan: "pro" });
  const bought = nest.stripe.subscriptions().at(-1);
  const card = nest.stripe.attachCard(bought?.customer ?? "", { declines: true });
  nest.stripe.updateSubscription(bought?.id ?? "", { default_payment_method: card.id });
  await person.call("change_plan", { plan: "yearly" });
  await person.call("change_plan", { plan: "pro" });
  await (await signInShopper(shop, "lee@example.com")).checkout("pro");
  await erasePerson(shop, "lee@example.com");
  await shop.stop();
}

async function runCommands(nest: TestNest): Promise<void> {
  const [event] = nest.stripe.events().filter(({ type }) => type === "customer.subscription.created");
  await nest.collection("stripe-events").deleteMany({});
  const since = new Date(Date.now() - 3_600_000).toISOString();
  for (const args of [
    ["setup", "--url", URL],
    ["setup", "--url", URL, "--update"],
    ["check", "--url", URL],
    ["replay", event?.id ?? ""],
    ["replay", "--since", since],
    ["reconcile"],
  ]) {
    const { printed } = await runCli(["stripe", ...args], nest.environment);
    if (/--help|stripe_error/.test(printed)) throw new Error(printed);
  }
  await runCli(["users", "show", "gil@example.com"], nest.environment);
}

/** Grace's trial is removed with its customer. */
async function removeTrials(nest: TestNest): Promise<void> {
  await nest.passTime(45 * DAY);
  await nest.collection("authorizations").deleteMany({});
  const { gateway } = nest;
  const core = { ...gateway.core, stripe: gateway.part(stripe), billing: gateway.part(billing) };
  await removeUnredeemedTrials(core, Number.POSITIVE_INFINITY);
}
