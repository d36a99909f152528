import { verifyRegistrationResponse } from "@simplewebauthn/server";
import { decodeAttestationObject } from "@simplewebauthn/server/helpers";
import { ALGORITHMS } from "#core/passkeys/algorithms.ts";
import { type Expected, type Refusal, refuseClientData } from "#core/passkeys/client_data.ts";
import type { NewCredential } from "#core/passkeys/credential.ts";
import type { Passkey } from "#core/repositories/passkey.ts";

/** Verifies a new passkey (WebAuthn Level 3, section 7.1). It is loaded at its first use. @returns the passkey, or why it is refused */
export async function verifyRegistration(
  credential: NewCredential,
  expected: Omit<Expected, "type">,
): Promise<Passkey | Refusal> {
  const { party } = expected;
  const refusal = refuseClientData(credential.response.clientDataJSON, {
    ...expected,
    type: "webauthn.create",
  });
  if (refusal !== null) return refusal;
  const info = await verify(credential, party);
  if (info === null) return "response";
  const { id: credentialId, publicKey, counter } = info.credential;
  if (credentialId !== credential.id) return "response";
  return {
    ...{ rpId: party.rpId, credentialId, publicKey: Buffer.from(publicKey).toString("base64url"), counter },
    transports: credential.response.transports ?? [],
    ...{ isSyncable: info.credentialDeviceType === "multiDevice", isBackedUp: info.credentialBackedUp },
    ...{ verifiesUser: info.userVerified, aaguid: info.aaguid },
  };
}

/**
 * Whether an attestation has no certificates. Browsers remove them, because the options ask for none; what stays is no attestation, or
 * one that the new key has signed itself. No other is read: deployed functions have no parser of certificates.
 * @throws Error if it is malformed
 */
function isWithoutCertificates(attestationObject: string): boolean {
  const decoded = decodeAttestationObject(Buffer.from(attestationObject, "base64url"));
  const format = decoded.get("fmt");
  return format === "none" || (format === "packed" && decoded.get("attStmt").get("x5c") === undefined);
}

/** @returns null if anything about the response is wrong: the library throws for it */
async function verify(credential: NewCredential, party: Expected["party"]) {
  try {
    if (!isWithoutCertificates(credential.response.attestationObject)) return null;
    const { registrationInfo } = await verifyRegistrationResponse({
      response: {
        ...credential,
        response: { ...credential.response, transports: [] },
        clientExtensionResults: {},
      },
      // `refuseClientData` has compared it.
      expectedChallenge: () => true,
      ...{ expectedOrigin: [...party.origins], expectedRPID: party.rpId },
      ...{ requireUserVerification: false, supportedAlgorithmIDs: [...ALGORITHMS] },
    });
    return registrationInfo ?? null;
  } catch {
    return null;
  }
}
