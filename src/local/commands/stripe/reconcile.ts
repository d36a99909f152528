import { parseArgs } from "node:util";
import type { EventCore } from "#core/billing/event_core.ts";
import { syncSubscription } from "#core/billing/sync_subscription.ts";
import { WEBHOOK_LIMIT_MS } from "#core/call.ts";
import { type Command, inWords, UsageError } from "#local/commands/stripe/command.ts";
import { type Difference, findDifferences } from "#local/commands/stripe/differences.ts";
import { withEventCore } from "#local/commands/stripe/with_event_core.ts";

/** `stripe reconcile`: compares all of Stripe's subscriptions with ours, and mends ours as an event would. */
export const reconcile: Command = {
  usage: {
    "reconcile [--dry-run]": "says where our subscriptions differ from Stripe's, and changes nothing",
    "reconcile --apply": "says the same, then mends ours as Stripe's events would",
  },
  async run(args, environment) {
    const { values } = parseArgs({
      args,
      options: {
        apply: { type: "boolean", default: false },
        "dry-run": { type: "boolean", default: false },
      },
    });
    if (values.apply && values["dry-run"]) throw new UsageError("Say --apply or --dry-run.");
    return withEventCore(environment, async (core) => {
      const found = await findDifferences(core);
      for (const { id, words } of found) console.log(`${id}  ${words}`);
      console.log(summary(found));
      if (found.length === 0) return true;
      if (values.apply) return mendAll(core, found);
      console.log("Nothing was changed; --apply mends it.");
      return false;
    });
  },
};

async function mendAll(core: EventCore, found: readonly Difference[]): Promise<boolean> {
  let isMended = true;
  for (const difference of found) {
    try {
      console.log(`${difference.id}  ${await mend(core, difference)}`);
      if (difference.kind === "gone") isMended = false;
    } catch (error) {
      console.log(`${difference.id}  failed: ${inWords(error)}`);
      isMended = false;
    }
  }
  return isMended;
}

/** The webhook's own way, so that there is no second one of writing. */
async function mend(core: EventCore, { id, kind }: Difference): Promise<string> {
  if (kind === "gone") return "left alone";
  const record = await core.subscriptions.findByStripeId(id);
  const outcome = await syncSubscription(core, "reconciled", id, { record }, Date.now() + WEBHOOK_LIMIT_MS);
  return outcome.status === "done" ? "mended" : `ignored (${outcome.reason})`;
}

function summary(found: readonly Difference[]): string {
  const count = (wanted: Difference["kind"]) => found.filter(({ kind }) => kind === wanted).length;
  return `${count("missing")} missing here, ${count("differs")} differ, ${count("gone")} not at Stripe.`;
}
