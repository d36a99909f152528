import type { Command } from "commander";
import app from "#app";
import { readTrialDays } from "#core/billing/config.ts";
import { hasEnded } from "#core/billing/subscriptions/stripe_state.ts";
import { listRemovable, removeUnredeemedTrials } from "#core/billing/trials/remove_unredeemed.ts";
import { isUsed } from "#core/billing/trials/used.ts";
import { readConfig } from "#core/config.ts";
import { coreVariables } from "#core/core.ts";
import { createLog } from "#core/log.ts";
import { stripe as stripePart } from "#core/parts.ts";
import { type AccountCore, findUserId } from "#core/personal_data/find_person.ts";
import type { Trial } from "#core/repositories/trials.ts";
import { parseAddress } from "#core/users/address.ts";
import { withAccounts } from "#tools/operator/with_accounts.ts";
import { act, examples } from "#tools/terminal/command.ts";
import { CommandError } from "#tools/terminal/errors.ts";
import { table } from "#tools/terminal/table.ts";

/** A run by hand goes on until it is done. */
const NO_DEADLINE = Number.POSITIVE_INFINITY;

/** `trials show | reset | clean`. */
export function trialCommands(program: Command): void {
  const trials = program.command("trials").description("trials and the devices that used them");

  const show = trials
    .command("show")
    .argument("<trial or user>", "a trial id, user id or email address")
    .description("shows a trial with its devices, its subscription and whether it is still open");
  examples(show, ["trials show ada@example.com"]);
  act(show, (terminal, subject: string) =>
    withAccounts(terminal, async (core) => {
      const found = await findTrials(core, subject);
      terminal.show(found, found.length > 0 ? found.flatMap(describe) : "There is no trial.");
    }),
  );

  const reset = trials
    .command("reset")
    .argument("<trial or user>", "a trial id, user id or email address")
    .description(
      "deletes a trial, so that its address and devices can have another; refused while its subscription is active",
    );
  examples(reset, ["trials reset trial_2Jx...", "trials reset ada@example.com"]);
  act(reset, (terminal, subject: string) =>
    withAccounts(terminal, async (core) => {
      const { _id: id, stpSubscriptionId } = await findOneTrial(core, subject);
      const subscription = stpSubscriptionId && (await core.subscriptions.findByStripeId(stpSubscriptionId));
      if (subscription && !hasEnded(subscription.status))
        throw new CommandError(
          `The trial's subscription ${stpSubscriptionId} is ${subscription.status}. Cancel it at Stripe first.`,
        );
      await terminal.confirm(`${id} will be deleted.`, id);
      await core.trials.remove(id);
      terminal.show({ reset: id }, `reset ${id}`);
    }),
  );

  const clean = trials
    .command("clean")
    .option("--apply", "remove them; without it the command only lists them")
    .description(
      "removes trials that nobody redeemed or used and that ran out 30 days ago, at most 200, with what they left at Stripe",
    );
  examples(clean, ["trials clean", "trials clean --apply"]);
  act(clean, (terminal, { apply }: { apply?: boolean }) =>
    withAccounts(terminal, async (accounts) => {
      const { environment } = terminal;
      const billing = { trialDays: readTrialDays(environment, app) };
      if (!apply) {
        const found = await listRemovable({ ...accounts, billing }, accounts.clock.now());
        const ids = found.map(({ _id }) => _id);
        return terminal.show({ removable: ids }, [`${ids.length} trials can be removed.`, ...ids]);
      }
      const log = createLog(
        (line) => terminal.print(line),
        () => accounts.clock.now(),
      );
      // Without the stage, a test key would not be refused in production.
      readConfig({ STAGE: coreVariables.STAGE }, environment);
      const stripe = stripePart.open(environment);
      const outcome = await removeUnredeemedTrials({ ...accounts, log, billing, stripe }, NO_DEADLINE);
      const lines = Object.entries(outcome).map(([what, ids]) => `${what}: ${ids.length} ${ids.join(" ")}`);
      terminal.show(outcome, lines);
      if (outcome.failed.length > 0) throw new CommandError("Some trials failed. Run the command again.");
    }),
  );
}

async function findTrials(core: AccountCore, subject: string): Promise<Trial[]> {
  if (subject.startsWith("trial_")) {
    const found = await core.trials.find(subject);
    return found ? [found] : [];
  }
  if (!subject.includes("@")) return core.trials.listByUser(await findUserId(core, subject));
  // Somebody may have started a trial with an address that never signed in.
  const ofAddress = await core.trials.findByAddress(parseAddress(subject).identity);
  const identifier = await core.identifiers.findActive("email", parseAddress(subject).identity);
  const ofUser = identifier ? await core.trials.listByUser(identifier.userId) : [];
  if (ofAddress === null || ofUser.some(({ _id }) => _id === ofAddress._id)) return ofUser;
  return [...ofUser, ofAddress];
}

/** @throws CommandError unless exactly one trial is meant */
async function findOneTrial(core: AccountCore, subject: string): Promise<Trial> {
  const [trial, ...others] = await findTrials(core, subject);
  if (!trial) throw new CommandError(`There is no trial of ${subject}. Nothing was changed.`);
  if (others.length === 0) return trial;
  const ids = [trial, ...others].map(({ _id }) => _id).join(", ");
  throw new CommandError(`There are several trials of ${subject}: ${ids}. Reset one by its id.`);
}

function describe(trial: Trial): string[] {
  const state = trial.redeemedAt ? `redeemed ${trial.redeemedAt}` : "open: its link has not been used";
  return table([
    ["trial", trial._id],
    ["user", trial.userId],
    ["since", trial.createdAt],
    ["state", state],
    ["used", isUsed(trial) ? `since ${trial.usedAt ?? "an earlier release"}` : "not yet"],
    ["subscription", trial.stpSubscriptionId ?? "not created yet"],
    ["until", trial.endsAt ?? "-"],
    ["devices", String(trial.beakIds?.length ?? 1)],
  ]);
}
