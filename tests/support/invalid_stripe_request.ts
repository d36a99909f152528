/** A program that sends its own Stripe double a parameter that Stripe does not have. */
import { errorOf, startDoubleWithSdk } from "#tests/packages/stripe_double/double_with_sdk.ts";

await using running = await startDoubleWithSdk();
await errorOf(running.stripe.customers.create({ color: "red" } as object));
