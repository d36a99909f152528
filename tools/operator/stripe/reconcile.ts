import type { Command } from "commander";
import type { EventCore } from "#core/billing/events/event_core.ts";
import { syncSubscription } from "#core/billing/subscriptions/sync_subscription.ts";
import { WEBHOOK_LIMIT_MS } from "#core/call.ts";
import { bindDeadline } from "#entry/deadline.ts";
import { type Difference, findDifferences } from "#tools/operator/stripe/differences.ts";
import { withEventCore } from "#tools/operator/stripe/with_event_core.ts";
import { act, examples, inWords, type Terminal } from "#tools/terminal/command.ts";
import { UsageError } from "#tools/terminal/errors.ts";

/** `stripe reconcile`: compares all of Stripe's subscriptions with ours, and mends ours as an event would. */
export function reconcile(program: Command): void {
  const command = program
    .command("reconcile")
    .option("--dry-run", "say what differs and change nothing, as without --apply")
    .option("--apply", "then mend ours as Stripe's events would")
    .description("says where our subscriptions differ from Stripe's");
  examples(command, ["stripe reconcile", "stripe reconcile --apply"]);
  act(command, (terminal, options: { apply?: boolean; dryRun?: boolean }) => {
    if (options.apply && options.dryRun) throw new UsageError("Say --apply or --dry-run.");
    return withEventCore(terminal, async (core) => {
      const differences = await findDifferences(core);
      for (const { id, words } of differences) terminal.say(`${id}  ${words}`);
      terminal.say(summary(differences));
      const outcomes = options.apply ? await mendAll(terminal, core, differences) : [];
      const isMended = differences.length === 0 || outcomes.every(({ isWell }) => isWell);
      const hint = "Nothing was changed; --apply mends it.";
      if (differences.length > 0 && !options.apply) terminal.say(hint);
      terminal.result({ differences, outcomes });
      return differences.length === 0 || (options.apply === true && isMended);
    });
  });
}

interface Mending {
  id: string;
  outcome: string;
  isWell: boolean;
}

async function mendAll(
  terminal: Terminal,
  core: EventCore,
  differences: readonly Difference[],
): Promise<Mending[]> {
  const mendings: Mending[] = [];
  for (const difference of differences) {
    const { id, kind } = difference;
    const mending = await mend(core, difference).then(
      (outcome) => ({ id, outcome, isWell: kind !== "gone" }),
      (error) => ({ id, outcome: `failed: ${inWords(error)}`, isWell: false }),
    );
    terminal.say(`${id}  ${mending.outcome}`);
    mendings.push(mending);
  }
  return mendings;
}

/** The webhook's own way, so that there is no second one of writing. */
async function mend(core: EventCore, { id, kind }: Difference): Promise<string> {
  if (kind === "gone") return "left alone";
  const bound = bindDeadline(core, Date.now() + WEBHOOK_LIMIT_MS);
  const outcome = await syncSubscription(bound, "reconciled", id);
  return outcome.status === "done" ? "mended" : `ignored (${outcome.reason})`;
}

function summary(found: readonly Difference[]): string {
  const count = (wanted: Difference["kind"]) => found.filter(({ kind }) => kind === wanted).length;
  return `${count("missing")} missing here, ${count("differs")} differ, ${count("gone")} not at Stripe.`;
}
