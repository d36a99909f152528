/** A program that asks a double of its own for what Stripe does not have. */
import { errorOf, startDoubleWithSdk } from "#tests/packages/stripe_double/double_with_sdk.ts";

await using running = await startDoubleWithSdk();
await errorOf(running.stripe.customers.create({ colour: "red" } as object));
