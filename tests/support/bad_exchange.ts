/** A program that asks a double of its own for what Stripe does not have. */
import { refusalOf, startRig } from "#tests/packages/stripe_double/client.ts";

await using rig = await startRig();
await refusalOf(rig.stripe.customers.create({ colour: "red" } as object));
