import type { Command } from "commander";
import { reconcile } from "#tools/operator/stripe/reconcile.ts";
import { refunds } from "#tools/operator/stripe/refunds.ts";
import { replay } from "#tools/operator/stripe/replay.ts";
import { sandbox } from "#tools/operator/stripe/sandbox.ts";
import { setup } from "#tools/operator/stripe/setup.ts";
import { check } from "#tools/stage/stripe/check.ts";

/** `stripe setup | check | replay | reconcile | refunds | sandbox`: see docs/runbooks/stripe.md. */
export function stripeCommands(program: Command): void {
  const stripe = program
    .command("stripe")
    .description("Stripe's webhook endpoint, events, subscriptions and refunds");
  for (const add of [setup, check, replay, reconcile, refunds, sandbox]) add(stripe);
}
