import type { Call } from "#core/call.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { factorChanged } from "#core/events/mfa_events.ts";
import type { FactorOwner } from "#core/factors/factor_owner.ts";
import { type FirstUse, type FirstUseCore, judgeFirstUse } from "#core/factors/first_use.ts";
import { hasRoom } from "#core/factors/judge_factor.ts";
import { issueFirstCodes } from "#core/factors/recovery.ts";
import { followsSomeWayIn, type ReachCore } from "#core/factors/ways_in.ts";
import { describeFailure } from "#core/log.ts";
import { type NoticeCore, sendNotice } from "#core/messages/notices.ts";
import { challengeEnded } from "#core/mfa/challenge.ts";
import type { FactorActivation, MfaFactor } from "#core/repositories/mfa_factor_document.ts";
import { purgeAfter } from "#core/retention.ts";
import { endAllSessions } from "#core/sessions/end_sessions.ts";
import { mayRun, REDEMPTION_LIMIT_MS, withFailureRecorded } from "#core/verifications/attempt.ts";

/** After this time, no earlier call is still running. */
const RETRY_SECONDS = REDEMPTION_LIMIT_MS / 1000 + 1;

type VerifyCore = NoticeCore &
  FirstUseCore &
  ReachCore &
  Pick<Core, "mfaFactors" | "recoveryCodes" | "sessions">;

/** A factor that sign-ins require from now on. */
export interface VerifiedFactor {
  factor: MfaFactor;
  /** Shown once; null if the user has codes already, or an earlier call issued them. */
  recoveryCodes: string[] | null;
}

/**
 * Activates a factor with its first code or its passkey, and ends every other session of the user, because these started without the
 * factor. Codes are counted before they are compared. A call that failed with a server error can be repeated with the same code or
 * passkey, by the same session; it replaces the recovery codes that the first call issued. While the first call may still run, a repeated
 * call gets `unavailable`: of the codes of two calls, one set would not work. After a call that came to its end, a repeated call changes
 * nothing and issues no codes: somebody else may have seen what was presented.
 * @throws NestError factor_not_found, mfa_failed, mfa_token_expired, too_many_factors, unavailable; factor_repeats_sign_in if the user removed the ways in
 *   that it could follow since it was created
 */
export async function verifyFactor(
  core: VerifyCore,
  owner: FactorOwner,
  { factorId, presented }: { factorId: string; presented: FirstUse },
  call: Call,
): Promise<VerifiedFactor> {
  const now = core.clock.now();
  const at = now.toISOString();
  const found = await core.mfaFactors.countAttempt(factorId, owner.userId, at);
  // Only the call that activated it may go on.
  if (found === null || (found.status === "active" && found.activation?.by !== owner.by))
    throw new NestError("factor_not_found");
  const proof = await judgeFirstUse(core, owner, found, { presented, now });
  const { activation } = found;
  if (activation?.isComplete) return { factor: found, recoveryCodes: null };
  if (activation) await resume(core, factorId, activation, now);
  return withFailureRecorded(
    () => core.mfaFactors.recordFailedActivation(factorId, at),
    () => addFactor(core, owner, { found, proof, at }, call),
  );
}

/** Lets one call at a time go on with an activation. @throws NestError unavailable if another call may still run */
async function resume(
  { mfaFactors }: VerifyCore,
  factorId: string,
  activation: NonNullable<MfaFactor["activation"]>,
  now: Date,
): Promise<void> {
  const { startedAt, ...rest } = activation;
  // An earlier version stored no time: none of its calls is still running.
  const isRunning = startedAt !== undefined && mayRun({ ...rest, startedAt }, now);
  if (isRunning || !(await mfaFactors.resumeActivation(factorId, activation, now.toISOString())))
    throw new NestError("unavailable", { retryAfterSeconds: RETRY_SECONDS });
}

/** Activates the factor if it is pending, issues the recovery codes, and ends the other sessions. Each write can be repeated. */
async function addFactor(
  core: VerifyCore,
  owner: FactorOwner,
  { found, proof, at }: { found: MfaFactor; proof: FactorActivation["proof"]; at: string },
  call: Call,
): Promise<VerifiedFactor> {
  const { userId, client } = owner;
  const { _id: factorId } = found;
  const [before, earlier] = await Promise.all([
    core.recoveryCodes.findByUser(userId),
    core.mfaFactors.listActive(userId),
  ]);
  if (found.status === "pending") {
    if (!hasRoom(earlier)) throw new NestError("too_many_factors");
    if (!(await followsSomeWayIn(core, found))) throw new NestError("factor_repeats_sign_in");
    await activate(core, owner, found, { proof, at });
  }
  const others = (await core.mfaFactors.listActive(userId)).filter(({ _id }) => _id !== factorId);
  const repeats = (await followsSomeWayIn(core, found)) ? null : new NestError("factor_repeats_sign_in");
  const refusal = refusalBeside(others, owner) ?? repeats;
  if (refusal !== null) {
    await takeBack(core, owner, found, at);
    throw refusal;
  }
  const recoveryCodes = await issueFirstCodes(core, found, { others, before, at });
  await endOthers(core, owner, call);
  core.log.info("factor_added", { user_id: userId, client_id: client.id, factor_type: found.factorType });
  const variables = { change: "added" as const, at };
  await Promise.all([
    complete(core, factorId),
    sendNotice(core, { userId, locale: client.locale }, async () => ({ template: "mfa_changed", variables })),
  ]);
  const activated = { ...found, status: "active" as const, activatedAt: found.activatedAt ?? at };
  return { factor: { ...activated, ...(proof.passkey && { passkey: proof.passkey }) }, recoveryCodes };
}

/** It does not fail: the response has codes that no repeated call can give. */
async function complete({ mfaFactors, log }: VerifyCore, factorId: string): Promise<void> {
  await mfaFactors.completeActivation(factorId).catch((error: unknown) => {
    log.warn("activation_not_completed", { factor_id: factorId, ...describeFailure(error) });
  });
}

async function activate(
  core: VerifyCore,
  { by, source }: FactorOwner,
  factor: MfaFactor,
  { proof, at }: { proof: FactorActivation["proof"]; at: string },
): Promise<void> {
  const event = factorChanged("mfa.factor_added", factor, source, at);
  const change = { proof, activation: { by, startedAt: at }, now: at };
  if (!(await core.mfaFactors.activate(factor._id, change, [event]))) throw new NestError("factor_not_found");
}

/**
 * The error if a factor can't stay beside factors that became active at the same time, or null. A person who has presented only one factor
 * can't add a second factor. If simultaneous activations exceed the limit, each of them may be refused: none knows which one was first.
 */
function refusalBeside(others: readonly MfaFactor[], { isEnrolling }: FactorOwner): NestError | null {
  if (isEnrolling && others.length > 0) return challengeEnded();
  return hasRoom(others) ? null : new NestError("too_many_factors");
}

/** Removes the factor again. */
async function takeBack(
  { mfaFactors }: VerifyCore,
  { source }: FactorOwner,
  factor: MfaFactor,
  at: string,
): Promise<void> {
  const event = factorChanged("mfa.factor_removed", factor, source, at);
  await mfaFactors.remove({ ...factor, status: "active" }, { now: at, purgeAt: purgeAfter(new Date(at)) }, [
    event,
  ]);
}

/** The time is read after the factor was stored: a sign-in that has not seen the factor began before it. */
async function endOthers(core: VerifyCore, { userId, caller }: FactorOwner, call: Call): Promise<void> {
  const sessions = await core.sessions.listUnrevoked(userId);
  const ending = { userId, sessions, keepsCurrent: true, reason: "mfa_changed" } as const;
  await endAllSessions(core, ending, { caller, call });
}
