import { type StripeApi, stripeRefusal } from "#core/services/stripe.ts";

/**
 * Ends a session of Stripe's checkout, so that its page can't be paid. A session that was paid or has expired is not changed.
 * @returns false if the session was not changed
 * @throws NestError `stripe_error`, `unavailable`
 */
export async function expireSession(stripe: StripeApi, id: string): Promise<boolean> {
  try {
    await stripe.request((sdk, options) => sdk.checkout.sessions.expire(id, {}, options));
    return true;
  } catch (error) {
    const status = stripeRefusal(error)?.statusCode;
    if (status !== 400 && status !== 404) throw error;
    return false;
  }
}
