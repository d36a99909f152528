import type { Command } from "commander";
import type { EventCore } from "#core/billing/events/event_core.ts";
import { syncSubscription } from "#core/billing/subscriptions/sync_subscription.ts";
import { WEBHOOK_LIMIT_MS } from "#core/call.ts";
import { bindDeadline } from "#entry/deadline.ts";
import { type Difference, findDifferences } from "#tools/operator/stripe/differences.ts";
import { withEventCore } from "#tools/operator/stripe/with_event_core.ts";
import { act, examples, summarizeError, type Terminal } from "#tools/terminal/command.ts";
import { UsageError } from "#tools/terminal/errors.ts";

/** `stripe reconcile`: compares all of Stripe's subscriptions with our records and corrects ours as an event would. */
export function reconcile(program: Command): void {
  const command = program
    .command("reconcile")
    .option("--dry-run", "list differences without changing anything; the default")
    .option("--apply", "correct Nest's records as Stripe's events would")
    .description("lists differences between Nest's subscriptions and Stripe's");
  examples(command, ["stripe reconcile", "stripe reconcile --apply"]);
  act(command, (terminal, options: { apply?: boolean; dryRun?: boolean }) => {
    if (options.apply && options.dryRun) throw new UsageError("Pass either --apply or --dry-run.");
    return withEventCore(terminal, async (core) => {
      const differences = await findDifferences(core);
      for (const { id, words } of differences) terminal.say(`${id}  ${words}`);
      terminal.say(summary(differences));
      const outcomes = options.apply ? await correctAll(terminal, core, differences) : [];
      const isCorrected = differences.length === 0 || outcomes.every(({ isWell }) => isWell);
      const hint = "Nothing was changed. Pass --apply to correct Nest's records.";
      if (differences.length > 0 && !options.apply) terminal.say(hint);
      terminal.result({ differences, outcomes });
      return differences.length === 0 || (options.apply === true && isCorrected);
    });
  });
}

interface Correction {
  id: string;
  outcome: string;
  isWell: boolean;
}

async function correctAll(
  terminal: Terminal,
  core: EventCore,
  differences: readonly Difference[],
): Promise<Correction[]> {
  const corrections: Correction[] = [];
  for (const difference of differences) {
    const { id, kind } = difference;
    const correction = await correct(core, difference).then(
      (outcome) => ({ id, outcome, isWell: kind !== "gone" && !outcome.startsWith("failed") }),
      (error) => ({ id, outcome: `failed: ${summarizeError(error)}`, isWell: false }),
    );
    terminal.say(`${id}  ${correction.outcome}`);
    corrections.push(correction);
  }
  return corrections;
}

/** Runs the webhook's own code, so that subscriptions are written in one way only. */
async function correct(core: EventCore, { id, kind }: Difference): Promise<string> {
  if (kind === "gone") return "left alone";
  const bound = bindDeadline(core, Date.now() + WEBHOOK_LIMIT_MS);
  const outcome = await syncSubscription(bound, "reconciled", id);
  if (outcome.status === "done") return "corrected";
  return outcome.status === "failed" ? `failed: ${outcome.reason}` : `ignored (${outcome.reason})`;
}

function summary(found: readonly Difference[]): string {
  const count = (wanted: Difference["kind"]) => found.filter(({ kind }) => kind === wanted).length;
  return `${count("missing")} missing here, ${count("differs")} different, ${count("gone")} unknown to Stripe.`;
}
