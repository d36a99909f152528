import { afterSuccess, type Call } from "#core/call.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { networkOf } from "#core/network.ts";
import type { Subject } from "#core/rate_limits/limits.ts";
import type { RateLimiter } from "#core/rate_limits/rate_limiter.ts";
import { refuseIfOver } from "#core/rate_limits/verdict.ts";
import type { Verification, VerificationPurpose } from "#core/repositories/verifications.ts";
import { hashSecret } from "#core/secrets.ts";
import { mayRun, withFailureRecorded } from "#core/verifications/attempt.ts";
import type { CodeKey } from "#core/verifications/code_key.ts";
import { countPresentedCode, releaseCorrectCode } from "#core/verifications/failure_limits.ts";

/** What a caller presents: the token of a link, or the nonce of the request and the code of the message. */
export type PresentedSecret = { token: string } | { nonce: string; code: string };

/** For what, and by which client, a secret is accepted. */
export interface AcceptedFor {
  purposes: readonly VerificationPurpose[];
  clientId: string;
  now: Date;
}

type LimitedCore = Pick<Core, "verifications"> & { rateLimiter: RateLimiter };

const notFound = () => new NestError("verification_not_found");

/**
 * Finds the verification of a presented secret. Unknown, wrong, expired and revoked secrets, and secrets of another purpose or
 * client, get the same error. A code is counted before it is compared: on its verification, which allows five, for its
 * identifier, and for its network.
 * @returns the verification. It may be used: `redeemVerification` decides
 * @throws NestError verification_not_found; rate_limited if the network has presented too many wrong secrets, or the
 *   identifier had too many wrong codes; unavailable
 */
export async function findPresented(
  core: LimitedCore & Pick<Core, "log"> & { codeKey: CodeKey },
  presented: PresentedSecret,
  accepted: AcceptedFor,
  call: Call,
): Promise<Verification> {
  const { purposes, clientId, now } = accepted;
  const at = now.toISOString();
  const found =
    "token" in presented
      ? await core.verifications.findByToken(hashSecret(presented.token), at)
      : await core.verifications.countAttempt(hashSecret(presented.nonce), purposes, at);
  const isAccepted = found && purposes.includes(found.purpose) && found.clientId === clientId;
  if (!isAccepted) throw await refusal(core, call);
  if ("code" in presented && !(await isCorrectCode(core, found, presented.code, call))) throw notFound();
  return found;
}

/**
 * Compares a code after it is counted as a failure; then the counts of a correct code are released.
 * @throws NestError rate_limited: the code was not compared; unavailable
 */
async function isCorrectCode(
  core: LimitedCore & Pick<Core, "log"> & { codeKey: CodeKey },
  { _id, clientId, usedAt, identifierType: type, identifierValue: identity, country, codeHash }: Verification,
  code: string,
  call: Call,
): Promise<boolean> {
  const presented = { identity, beakId: null, call };
  const [counted, byNetwork] = await Promise.all([
    countPresentedCode(core, presented, Promise.resolve(null)),
    core.rateLimiter.closed.countOne(...networkFailures(call)),
  ]);
  refuseIfOver([byNetwork]);
  if (!core.codeKey.matches(_id, code, codeHash)) return false;
  if (usedAt === null) core.log.info("code_verified", { type, country, client_id: clientId });
  await Promise.all([
    releaseCorrectCode(core, counted),
    core.rateLimiter.release(networkFailures(call), byNetwork.counted),
  ]);
  return true;
}

const networkFailures = ({ ip }: Call): Subject => ["verification_failures_per_network", networkOf(ip)];

/** Counts an unknown secret against the limit of its network. A correct token is never refused, because it can't be guessed. */
async function refusal({ rateLimiter }: { rateLimiter: RateLimiter }, call: Call): Promise<NestError> {
  refuseIfOver([await rateLimiter.countOne(...networkFailures(call))]);
  return notFound();
}

/**
 * Checks the token of a link and changes nothing, so that a page can say that a link is no longer valid before it shows a form.
 * @throws NestError verification_not_found; rate_limited if the network has presented too many wrong tokens
 */
export async function checkToken(
  core: LimitedCore,
  token: string,
  { clientId, now }: Pick<AcceptedFor, "clientId" | "now">,
  call: Call,
): Promise<Verification> {
  const found = await core.verifications.findByToken(hashSecret(token), now.toISOString());
  if (found && found.clientId === clientId && isUsable(found, now)) return found;
  throw await refusal(core, call);
}

/** Whether a verification that is neither expired nor revoked was not used, or its use failed on our side. */
export const isUsable = ({ usedAt, redemption }: Verification, now: Date): boolean =>
  usedAt === null || (redemption !== null && !mayRun(redemption, now));

/**
 * Does what a verification permits, once: one of any number of simultaneous calls starts it. If it fails on our side, or is too
 * late for its response, the same secret can be presented again, so every write of the work must be repeatable. So a redemption
 * is complete only once the call has succeeded.
 * @param work refusals must come before it, because a refusal (status below 500) does not make the secret usable again
 * @throws NestError verification_not_found if another call has used the secret, or is using it; what the work throws
 */
export async function redeemVerification<Result>(
  core: Pick<Core, "verifications">,
  { _id, usedAt, redemption }: Verification,
  { now, call }: { now: Date; call: Pick<Call, "onSuccess"> },
  work: (started: Verification) => Promise<Result>,
): Promise<Result> {
  const at = now.toISOString();
  const started =
    usedAt === null
      ? await core.verifications.redeem(_id, { startedAt: at })
      : redemption && !mayRun(redemption, now)
        ? await core.verifications.resume(_id, redemption.startedAt, at)
        : null;
  if (!started) throw notFound();
  return withFailureRecorded(
    () => core.verifications.recordFailedRedemption(_id, at),
    async () => {
      const result = await work(started);
      await afterSuccess(call, () => core.verifications.completeRedemption(_id));
      return result;
    },
  );
}
