import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import type { Verification, VerificationPurpose } from "#core/repositories/verifications.ts";
import { hashSecret } from "#core/secrets.ts";
import { mayRun, withFailureRecorded } from "#core/verifications/attempt.ts";
import type { CodeKey } from "#core/verifications/code_key.ts";

/** What a caller presents: the token of a link, or the nonce of the request and the code of the message. */
export type PresentedSecret = { token: string } | { nonce: string; code: string };

/** For what, and by which client, a secret is accepted. */
export interface AcceptedFor {
  purposes: readonly VerificationPurpose[];
  clientId: string;
  now: Date;
}

const notFound = () => new NestError("verification_not_found");

/**
 * Finds the verification of a presented secret. Unknown, wrong, expired and revoked secrets, and secrets of another purpose or
 * client, get the same error. A code is counted on its verification before it is compared. The caller must limit the
 * network first, because codes can be guessed.
 * @returns the verification. It may be used: `redeemVerification` decides
 * @throws NestError verification_not_found
 */
export async function findPresented(
  core: Pick<Core, "verifications"> & { codeKey: CodeKey },
  presented: PresentedSecret,
  { purposes, clientId, now }: AcceptedFor,
): Promise<Verification> {
  const at = now.toISOString();
  const found =
    "token" in presented
      ? await core.verifications.findByToken(hashSecret(presented.token), at)
      : await core.verifications.countAttempt(hashSecret(presented.nonce), purposes, at);
  if (!found || !purposes.includes(found.purpose) || found.clientId !== clientId) throw notFound();
  if ("code" in presented && !core.codeKey.matches(found._id, presented.code, found.codeHash))
    throw notFound();
  return found;
}

/**
 * Does what a verification permits, once: one of any number of simultaneous calls starts it. If it fails on our side, the
 * same secret can be presented again, so every write of the work must be repeatable.
 * @param work refusals must come before it, because a refusal (status below 500) does not make the secret usable again
 * @throws NestError verification_not_found if another call has used the secret, or is using it; what the work throws
 */
export async function redeemVerification<Result>(
  core: Pick<Core, "verifications">,
  { _id, usedAt, redemption }: Verification,
  now: Date,
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
      await core.verifications.completeRedemption(_id);
      return result;
    },
  );
}
