import Stripe from "stripe";
import { DEFAULT_PRICE } from "#stripe_double/settings.ts";
import {
  type StripeDouble,
  type StripeDoubleOptions,
  startStripeDouble,
} from "#stripe_double/stripe_double.ts";

export const PRICE = DEFAULT_PRICE;
/** In seconds. */
export const DAY = 86_400;

export interface DoubleWithSdk extends AsyncDisposable {
  double: StripeDouble;
  stripe: Stripe;
}

/** Starts a double and connects Stripe's SDK to it. The SDK makes no retries. */
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

/** Connects Stripe's SDK to a double with any key. */
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

/**
 * The error of a failed call.
 * @throws Error if the call succeeds
 */
export async function errorOf(call: Promise<unknown>): Promise<Stripe.errors.StripeError> {
  try {
    await call;
  } catch (error) {
    return error as Stripe.errors.StripeError;
  }
  throw new Error("The call succeeded, but an error was expected.");
}

/** Creates a customer with a card. Returns the parameters of a subscription for the customer. */
export async function customerWithCard(
  { stripe, double }: DoubleWithSdk,
  card: { declines?: boolean; processes?: boolean } = {},
): Promise<Stripe.SubscriptionCreateParams> {
  const customer = await stripe.customers.create({ email: "amy@example.com" });
  double.attachCard(customer.id, card);
  return { customer: customer.id, items: [{ price: PRICE }] };
}

/** The types of all events so far, oldest first. `start` filters them. */
export function typesOf(double: StripeDouble, start = ""): string[] {
  return double
    .events()
    .map(({ type }) => type)
    .filter((type) => type.startsWith(start));
}
