import { StripeApi } from "#core/services/stripe.ts";
import type { RecordedRequest } from "#stripe_double/traffic.ts";
import { runCli } from "#tests/support/cli.ts";
import { linkRequest, startNest, type TestNest, V2 } from "#tests/support/nest.ts";

const URL = "https://nest.example/1/webhook/stripe";

/** Makes Nest and its CLI send every request shape that their code can send to Stripe. Returns the recorded requests. */
export async function recordNestRequests(): Promise<RecordedRequest[]> {
  const nest = await startNest();
  try {
    await startTrials(nest);
    await getStatus(nest);
    await buyTwice(nest);
    await disputePayment(nest);
    await buyWithPromotionCodeAndKnownCards(nest);
    await refundByCharge(nest);
    await runCommands(nest);
    return nest.stripe.requests.filter(({ status, isReplay }) => status === 200 && !isReplay);
  } finally {
    await nest.stop();
  }
}

/** After a failed request that Stripe executed, the next attempt searches for the objects that exist already. */
async function startTrials(nest: TestNest): Promise<void> {
  const ask = (name: string) => {
    const device = { platform: "mac", beak_id: name, fingerprint: name };
    const body = linkRequest({ identifier_value: `${name}@example.com`, device });
    return nest.call(`${V2}create_trial_and_magic_link`, body);
  };
  await ask("ada");
  for (const on of ["POST /v1/customers", "POST /v1/subscriptions"]) {
    nest.stripe.fault({ calls: 1, kind: "error_after", on });
    await ask("grace");
  }
  await ask("grace");
  await nest.deliverEvents();
}

async function getStatus(nest: TestNest): Promise<void> {
  const { user_id, access_token } = await nest.signIn("ada@example.com");
  await nest.call(`${V2}get_subscription_status`, { user_id }, { bearer: access_token });
}

/** The later subscription is canceled and refunded. */
async function buyTwice(nest: TestNest): Promise<void> {
  nest.stripe.createSubscription({ email: "bob@example.com" });
  nest.clock.advance(5);
  nest.stripe.createSubscription({ email: "bob@example.com" });
  await nest.deliverEvents();
}

async function disputePayment(nest: TestNest): Promise<void> {
  const { id } = nest.stripe.createSubscription({ email: "carol@example.com" });
  await nest.deliverEvents();
  nest.stripe.dispute(id);
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

/** A payment of the double always has an intent. Nest sends this request for a payment that has only a charge. */
async function refundByCharge(nest: TestNest): Promise<void> {
  nest.stripe.createSubscription({ email: "fay@example.com" });
  const charges = nest.stripe.events().filter(({ type }) => type === "charge.succeeded");
  const { id: charge } = charges.map(({ data }) => data.object as { id: string }).at(-1) ?? { id: "" };
  const api = StripeApi.open(nest.stripe.secretKey, nest.stripe.url);
  await api.request((stripe, options) => stripe.refunds.create({ charge, reason: "duplicate" }, options));
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
}
