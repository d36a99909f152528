import { plusSeconds } from "#core/clock.ts";
import { newId } from "#core/ids.ts";
import type { Verification, VerificationPurpose } from "#core/repositories/verifications.ts";
import { purgeVerificationAfter } from "#core/retention.ts";
import { hashSecret, newSecret } from "#core/secrets.ts";
import type { CodeKey } from "#core/verifications/code_key.ts";
import type { CodeTarget } from "#core/verifications/code_request.ts";
import { lifetimeOf } from "#core/verifications/lifetimes.ts";

/** What a verification is for, and what its message contains. */
export interface NewVerification {
  purpose: VerificationPurpose;
  clientId: string;
  target: Pick<CodeTarget, "type" | "identity" | "country">;
  /** What the message contains: a code, a link to a page, or both. */
  sends: { code: boolean; redirectUri?: string | undefined };
  /** The user that it is for, and the session that requests it. */
  userId?: string | undefined;
  sessionId?: string | undefined;
  now: Date;
}

/** The secrets of a verification. They are not stored. */
export interface VerificationSecrets {
  /** 32 random bytes, hex. Only the requester gets it. */
  nonce: string;
  /** Six digits. If the message has a link only, no code is accepted. */
  code: string;
  /** 32 random bytes, hex. Null if the message has a code only. */
  token: string | null;
}

/** Creates a verification with its secrets. The caller stores it. */
export function newVerification(
  { codeKey }: { codeKey: CodeKey },
  { purpose, clientId, target, sends, userId, sessionId, now }: NewVerification,
): { verification: Verification; secrets: VerificationSecrets } {
  const _id = newId("verification");
  const nonce = newSecret();
  const code = codeKey.newCode();
  const { redirectUri } = sends;
  const token = redirectUri === undefined ? null : newSecret();
  const expiresAt = plusSeconds(now, lifetimeOf(purpose, token !== null));
  const verification: Verification = {
    ...{ _id, purpose, clientId },
    ...{ identifierType: target.type, identifierValue: target.identity, country: target.country },
    nonceHash: hashSecret(nonce),
    codeHash: sends.code ? codeKey.hash(_id, code) : null,
    ...(token !== null && { tokenHash: hashSecret(token) }),
    ...(userId !== undefined && { userId }),
    ...(sessionId !== undefined && { sessionId }),
    ...(redirectUri !== undefined && { redirectUri }),
    attempts: 0,
    createdAt: now.toISOString(),
    expiresAt: expiresAt.toISOString(),
    ...{ usedAt: null, redemption: null, revokedAt: null },
    purgeAt: purgeVerificationAfter(expiresAt),
  };
  return { verification, secrets: { nonce, code, token } };
}
