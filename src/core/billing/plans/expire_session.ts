import { type StripeApi, stripeRefusal } from "#core/services/stripe.ts";

/**
 * Ends a session of Stripe's checkout, so that its page can't be paid. One that was paid or has expired stays as it is.
 * @returns false if it stays as it is
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
