import type Stripe from "stripe";
import type { CheckoutCore } from "#core/billing/plans/checkout_core.ts";
import { type Buyer, createCustomer, customerOf } from "#core/billing/plans/checkout_customer.ts";
import { endReplaced, readSession, requireNotBought } from "#core/billing/plans/earlier_session.ts";
import { expireSession } from "#core/billing/plans/expire_session.ts";
import { expiryOf, nextCheckout, type Order } from "#core/billing/plans/next_checkout.ts";
import { isSignedIn, removeIfErased } from "#core/billing/plans/signed_in.ts";
import { refusalOfPrice } from "#core/billing/plans/stripe_refusals.ts";
import { NestError } from "#core/errors.ts";
import type { Checkout } from "#core/repositories/checkouts.ts";
import { stripeRefusal } from "#core/services/stripe.ts";
import { settleAll } from "#core/settle.ts";

/** A checkout page of Stripe that can be paid. */
export interface OpenSession {
  url: string;
  expiresAt: Date;
}

/** A round fails only if another call began a checkout of the same person meanwhile, or its session is over. */
const ROUNDS = 5;

/**
 * Creates a session of Stripe's checkout for an order, or finds the open session of the same order. A person has one open
 * session: another order ends it (contract 1.7).
 * @param known the person's checkout as it was read
 * @throws NestError `already_subscribed`, `price_not_found`, `rate_limited`, `stripe_error`, `unavailable`,
 *   `unauthorized` if the person was signed out or erased meanwhile
 */
export async function createCheckout(
  core: CheckoutCore,
  buyer: Buyer,
  order: Order,
  known: Checkout | null,
): Promise<OpenSession> {
  let checkout = known;
  let isOver = false;
  for (let round = 0; round < ROUNDS; round++) {
    const step = nextCheckout(order, checkout, core.clock.now(), isOver);
    if (step.action === "refuse") {
      const { retryAfterSeconds } = step;
      throw new NestError("rate_limited", { retryAfterSeconds, meta: { retry_after: retryAfterSeconds } });
    }
    const isBegun = step.action === "join" || (await core.checkouts.begin(step.checkout, checkout));
    isOver = false;
    if (!isBegun) {
      checkout = await core.checkouts.findByUser(order.userId);
      continue;
    }
    checkout = step.checkout;
    if (checkout.sessionId === null) return makeSession(core, buyer, order, checkout);
    const session = await readSession(core, checkout.sessionId);
    if (session?.status === "open" && session.url !== null) return openSession(session.url, checkout);
    if (session?.status === "complete") requireNotBought(session, buyer, order);
    isOver = true;
  }
  throw new NestError("unavailable", { detail: "other calls keep beginning checkouts of the same person" });
}

const openSession = (url: string, checkout: Checkout): OpenSession => ({
  url,
  expiresAt: expiryOf(checkout),
});

async function makeSession(
  core: CheckoutCore,
  buyer: Buyer,
  order: Order,
  checkout: Checkout,
): Promise<OpenSession> {
  await endReplaced(core, buyer, order, checkout);
  const { session, used } = await requestSession(core, buyer, order, checkout).catch(
    async (error: unknown) => {
      await removeIfErased(core, buyer);
      throw error;
    },
  );
  const now = core.clock.now().toISOString();
  const [isRecorded, isStillSignedIn] = await settleAll([
    core.checkouts.recordSession(used, session.id, now),
    isSignedIn(core, buyer),
  ]);
  if (!isStillSignedIn) {
    await removeIfErased(core, buyer);
    await expireSession(core.stripe, session.id);
    throw new NestError("unauthorized", { detail: "the session was revoked during the call" });
  }
  if (!isRecorded) {
    await expireSession(core.stripe, session.id);
    throw new NestError("unavailable", { detail: "another checkout of the same person has begun" });
  }
  if (session.url === null)
    throw new NestError("stripe_error", { detail: "Stripe returned a checkout session without a URL" });
  return openSession(session.url, checkout);
}

/** A session, and the attempt that created it. */
interface Made {
  session: Stripe.Checkout.Session;
  used: Checkout;
}

async function requestSession(
  core: CheckoutCore,
  buyer: Buyer,
  order: Order,
  checkout: Checkout,
): Promise<Made> {
  const known = customerOf(buyer, core.clock.now());
  let customer = known;
  try {
    customer ??= await createCustomer(core, buyer, checkout);
    const params = paramsOf(core, order, checkout, customer);
    const session = await core.stripe.request(
      (stripe, options) => stripe.checkout.sessions.create(params, options),
      { idempotencyKey: `${checkout._id}:session:${checkout.attempt}` },
    );
    return { session, used: checkout };
  } catch (error) {
    const refusal = stripeRefusal(error);
    const isCustomerGone = refusal?.code === "resource_missing" && refusal.param === "customer";
    const isNewKeyOfCustomer = customer === null || isCustomerGone;
    // Stripe repeats an error that it stored under an idempotency key for a day.
    if (refusal && refusal.statusCode !== 409 && refusal.statusCode !== 429)
      await core.checkouts.raiseAttempt(checkout, isNewKeyOfCustomer, core.clock.now().toISOString());
    if (known === null || !isCustomerGone) throw refusalOfPrice(error) ?? error;
    return requestWithNewCustomer(core, buyer, order, { checkout, gone: known });
  }
}

/** Forgets a customer that Stripe does not have anymore, and creates another. */
async function requestWithNewCustomer(
  core: CheckoutCore,
  buyer: Buyer,
  order: Order,
  { checkout, gone }: { checkout: Checkout; gone: string },
): Promise<Made> {
  await core.providerMappings.remove(gone, core.clock.now().toISOString());
  const mappings = buyer.mappings.filter(({ providerValue }) => providerValue !== gone);
  const { attempt, customerAttempt } = checkout;
  const raised = { ...checkout, attempt: attempt + 1, customerAttempt: customerAttempt + 1 };
  return requestSession(core, { ...buyer, mappings }, order, raised);
}

function paramsOf(
  { billing, stage }: CheckoutCore,
  { userId, planId, priceId, successUrl, cancelUrl }: Order,
  checkout: Checkout,
  customer: string,
) {
  // Outside production, a tester types the promotion code without which a purchase is canceled (contract E5).
  const needsCode = stage !== "prod" && billing.requiredPromotionCodeId !== null;
  return {
    mode: "subscription",
    customer,
    client_reference_id: userId,
    line_items: [{ price: priceId, quantity: 1 }],
    success_url: successUrl,
    cancel_url: cancelUrl,
    expires_at: Math.floor(expiryOf(checkout).getTime() / 1000),
    subscription_data: { metadata: { user_id: userId, plan: planId, checkout_id: checkout._id } },
    allow_promotion_codes: needsCode,
  } satisfies Stripe.Checkout.SessionCreateParams;
}
