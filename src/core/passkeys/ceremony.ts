import { randomBytes } from "node:crypto";
import { array, literal, number, strictObject, string } from "zod/mini";
import type { RelyingParty } from "#core/app/passkey_settings.ts";
import { MINUTE } from "#core/clock.ts";
import { ALGORITHMS } from "#core/passkeys/algorithms.ts";
import { userHandleOf } from "#core/passkeys/user_handle.ts";
import type { Passkey } from "#core/repositories/passkey.ts";
import { hashSecret } from "#core/secrets.ts";

/** How long a person has to use their passkey, in seconds. */
export const CEREMONY_SECONDS = 5 * MINUTE;

/** What an authenticator must sign: 32 random bytes. Only their hash is stored. */
export interface Challenge {
  /** In base64url, as the browser shows it to the authenticator. */
  value: string;
  hash: string;
}

export function newPasskeyChallenge(): Challenge {
  const value = randomBytes(32).toString("base64url");
  return { value, hash: hashSecret(value) };
}

const descriptor = strictObject({
  ...{ id: string(), type: literal("public-key") },
  transports: array(string()),
});

/** Options of `navigator.credentials.create()`, as `PublicKeyCredential.parseCreationOptionsFromJSON()` reads them. */
export const creationOptions = strictObject({
  rp: strictObject({ id: string(), name: string() }),
  user: strictObject({ id: string(), name: string(), displayName: string() }),
  challenge: string(),
  pubKeyCredParams: array(strictObject({ type: literal("public-key"), alg: number() })),
  timeout: number(),
  excludeCredentials: array(descriptor),
  authenticatorSelection: strictObject({
    ...{ residentKey: literal("preferred"), requireResidentKey: literal(false) },
    userVerification: literal("preferred"),
  }),
  attestation: literal("none"),
});

/** Options of `navigator.credentials.get()`, as `PublicKeyCredential.parseRequestOptionsFromJSON()` reads them. */
export const requestOptions = strictObject({
  ...{ challenge: string(), timeout: number(), rpId: string() },
  allowCredentials: array(descriptor),
  userVerification: string(),
});

const timeout = CEREMONY_SECONDS * 1000;

const toDescriptor = ({ credentialId: id, transports }: Passkey) => ({
  ...{ id, type: "public-key" as const, transports: [...transports] },
});

/** The user who creates a passkey. */
interface NewOwner {
  userId: string;
  /** What the person recognizes the account by: an address or a number. */
  name: string;
  /** The passkeys that the person has. An authenticator with one of them does not create another. */
  passkeys: readonly Passkey[];
}

/**
 * Options for a new passkey, without I/O. A discoverable passkey is preferred, because only such a passkey signs its owner in alone. No
 * attestation is requested: it could identify owners, and Nest accepts every authenticator.
 */
export function optionsToCreate(
  { rpId: id }: RelyingParty,
  appName: string,
  { userId, name, passkeys }: NewOwner,
  challenge: Challenge,
) {
  return {
    rp: { id, name: appName },
    user: { id: userHandleOf(userId), name, displayName: name },
    challenge: challenge.value,
    pubKeyCredParams: ALGORITHMS.map((alg) => ({ type: "public-key" as const, alg })),
    timeout,
    excludeCredentials: passkeys.map(toDescriptor),
    authenticatorSelection: {
      ...{ residentKey: "preferred" as const, requireResidentKey: false as const },
      userVerification: "preferred" as const,
    },
    attestation: "none" as const,
  };
}

/**
 * Options for the use of a passkey, without I/O.
 * @param allowed the passkeys that may sign; null: any discoverable passkey, with user verification
 */
export function optionsToUse(
  { rpId }: RelyingParty,
  challenge: Challenge,
  allowed: readonly Passkey[] | null,
) {
  return {
    ...{ challenge: challenge.value, timeout, rpId },
    allowCredentials: (allowed ?? []).map(toDescriptor),
    userVerification: allowed === null ? "required" : "preferred",
  };
}
