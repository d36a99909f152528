import { verifyAuthenticationResponse } from "@simplewebauthn/server";
import { type Expected, type Refusal, refuseClientData } from "#core/passkeys/client_data.ts";
import type { Assertion } from "#core/passkeys/credential.ts";
import { userHandleOf } from "#core/passkeys/user_handle.ts";
import type { Passkey } from "#core/repositories/passkey.ts";

/** Whose signature is expected, and what it must show. */
export interface ExpectedAssertion extends Omit<Expected, "type"> {
  userId: string;
  passkey: Passkey;
  /** Whether the passkey takes the place of both factors: then it must name its owner and verify them. */
  isAlone: boolean;
}

/** What the passkey says about itself, signed. Whether the counter has grown is for the caller to decide. */
export interface CorrectAssertion {
  counter: number;
  isBackedUp: boolean;
}

/**
 * Verifies a signature of a passkey (WebAuthn Level 3, section 7.2). It is loaded at its first use.
 * @returns what it says, or why it is refused
 */
export async function verifyAssertion(
  assertion: Assertion,
  expected: ExpectedAssertion,
): Promise<CorrectAssertion | Refusal> {
  const { userHandle, clientDataJSON } = assertion.response;
  const { passkey, userId, isAlone } = expected;
  const refusal = refuseClientData(clientDataJSON, { ...expected, type: "webauthn.get" });
  if (refusal !== null) return refusal;
  if (assertion.id !== passkey.credentialId) return "response";
  const isUnnamed = userHandle === undefined || userHandle === null;
  if (isUnnamed ? isAlone : userHandle !== userHandleOf(userId)) return "user_handle";
  const info = await verify(assertion, expected);
  if (info === null) return "response";
  // A key that had no PIN when it was made could have got one from a thief (section 4, uvInitialized).
  if (isAlone && !(info.userVerified && passkey.verifiesUser)) return "user_verification";
  if ((info.credentialDeviceType === "multiDevice") !== passkey.isSyncable) return "backup_eligibility";
  return { counter: info.newCounter, isBackedUp: info.credentialBackedUp };
}

/** @returns null if anything about the response is wrong: the library throws for it */
async function verify({ id, rawId, type, response }: Assertion, { passkey, party }: ExpectedAssertion) {
  const { clientDataJSON, authenticatorData, signature } = response;
  try {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: {
        ...{ id, rawId, type, clientExtensionResults: {} },
        response: { clientDataJSON, authenticatorData, signature },
      },
      // `refuseClientData` has compared it.
      expectedChallenge: () => true,
      ...{ expectedOrigin: [...party.origins], expectedRPID: passkey.rpId },
      // The conditional update that stores the counter compares it, so that a repeated call may present it again.
      credential: { id, publicKey: Buffer.from(passkey.publicKey, "base64url"), counter: 0 },
      requireUserVerification: false,
    });
    return verified ? authenticationInfo : null;
  } catch {
    return null;
  }
}
