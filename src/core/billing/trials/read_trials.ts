import type { FoundTrials } from "#core/billing/trials/judge_trial.ts";
import type { Machine } from "#core/billing/trials/new_trial.ts";
import { isUsed } from "#core/billing/trials/used.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { type AuditCore, auditRow } from "#core/events/audit_row.ts";

/** Reads the trials that concern an email address or a device, in one round trip. */
export async function readTrials(
  core: Pick<Core, "identifiers" | "trials">,
  identity: string,
  machine: Machine,
): Promise<FoundTrials> {
  const [identifier, trials] = await Promise.all([
    core.identifiers.findActive("email", identity),
    core.trials.listConcerning(identity, machine.beakId, machine.fingerprint),
  ]);
  const own = trials.find(({ identifierValue }) => identifierValue === identity) ?? null;
  return { identifier, own, isMachineTaken: trials.some((trial) => trial !== own) };
}

/**
 * A trial of a deleted user must not give the address back to them. If it was never used, it is removed, so that the owner of the
 * address has a trial like anybody else. A trial that was used stays used.
 * @returns the trials without the removed one
 * @throws NestError `trial_already_used`
 */
export async function leaveDeleted(
  core: AuditCore & Pick<Core, "identifiers" | "log" | "trials" | "users">,
  found: FoundTrials,
  { identity, machine }: { identity: string; machine: Machine },
): Promise<FoundTrials> {
  const { own, identifier } = found;
  if (own === null || identifier?.userId === own.userId) return found;
  if ((await core.users.find(own.userId))?.status !== "deleted") return found;
  // The events of the document are lost with it.
  await core.auditLogs.insertMissing((own.events ?? []).map((event) => auditRow(core, event)));
  if (isUsed(own) || own.grantedAt != null || !(await core.trials.removeUnused(own))) {
    core.log.info("trial_refused", { code: "trial_already_used" });
    throw new NestError("trial_already_used");
  }
  return readTrials(core, identity, machine);
}
