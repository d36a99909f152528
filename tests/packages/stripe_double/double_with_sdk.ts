import Stripe from "stripe";
import { DEFAULT_PRICE } from "#stripe_double/settings.ts";
import {
  type StripeDouble,
  type StripeDoubleOptions,
  startStripeDouble,
} from "#stripe_double/stripe_double.ts";

export const PRICE = DEFAULT_PRICE;
export const DAY = 86_400;

export interface DoubleWithSdk extends AsyncDisposable {
  double: StripeDouble;
  stripe: Stripe;
}

/** A double, and the unmodified SDK pointed at it. */
export async function startDoubleWithSdk(
  options: StripeDoubleOptions = {},
  config: Stripe.StripeConfig = {},
): Promise<DoubleWithSdk> {
  const double = await startStripeDouble(options);
  return {
    double,
    stripe: connect(double, double.secretKey, config),
    [Symbol.asyncDispose]: () => double.close(),
  };
}

export function connect(double: StripeDouble, key: string, config: Stripe.StripeConfig = {}): Stripe {
  const { host, port } = double;
  return new Stripe(key, {
    host,
    port,
    protocol: "http",
    maxNetworkRetries: 0,
    telemetry: false,
    timeout: 2000,
    ...config,
  });
}

/** The error that a call ended in. */
export async function errorOf(call: Promise<unknown>): Promise<Stripe.errors.StripeError> {
  try {
    await call;
  } catch (error) {
    return error as Stripe.errors.StripeError;
  }
  throw new Error("The call should have been refused");
}

/** A customer with a card of some behaviour, and what a subscription for them needs. */
export async function customerWithCard(
  { stripe, double }: DoubleWithSdk,
  card: { declines?: boolean; processes?: boolean } = {},
): Promise<Stripe.SubscriptionCreateParams> {
  const customer = await stripe.customers.create({ email: "amy@example.com" });
  double.attachCard(customer.id, card);
  return { customer: customer.id, items: [{ price: PRICE }] };
}

/** The types of all events so far, oldest first. */
export function typesOf(double: StripeDouble, start = ""): string[] {
  return double
    .events()
    .map(({ type }) => type)
    .filter((type) => type.startsWith(start));
}
