import type { Command } from "commander";
import { check } from "#cli/stripe/check.ts";
import { reconcile } from "#cli/stripe/reconcile.ts";
import { replay } from "#cli/stripe/replay.ts";
import { setup } from "#cli/stripe/setup.ts";

/** `stripe setup | check | replay | reconcile`: see docs/runbooks/stripe.md. */
export function stripeCommands(program: Command): void {
  const stripe = program
    .command("stripe")
    .description("the webhook endpoint, Stripe's events and subscriptions");
  for (const add of [setup, check, replay, reconcile]) add(stripe);
}
