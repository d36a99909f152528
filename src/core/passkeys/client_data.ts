import type { RelyingParty } from "#core/app/passkey_settings.ts";
import { matchesHash } from "#core/secrets.ts";

/** Why a response of an authenticator is refused. For the log only: the caller learns that it was. */
export type Refusal =
  | "unknown"
  | "user"
  | "malformed"
  | "type"
  | "challenge"
  | "origin"
  | "cross_origin"
  | "response"
  | "user_handle"
  | "user_verification"
  | "backup_eligibility"
  | "counter";

/** What a response must match. */
export interface Expected {
  type: "webauthn.create" | "webauthn.get";
  party: RelyingParty;
  /** SHA-256 of the challenge. */
  challengeHash: string;
}

/**
 * Checks what the browser says about a ceremony (WebAuthn Level 3, sections 7.1 and 7.2): it must be of this kind, for our challenge, on
 * one of our pages, and not in a frame of another site's page. The authenticator signs it, which is verified later.
 * @returns null if nothing is wrong
 */
export function refuseClientData(
  clientDataJSON: string,
  { type, party, challengeHash }: Expected,
): Refusal | null {
  const data = parse(clientDataJSON);
  if (data === null) return "malformed";
  if (data.type !== type) return "type";
  if (typeof data.challenge !== "string" || !matchesHash(data.challenge, challengeHash)) return "challenge";
  if (typeof data.origin !== "string" || !party.origins.includes(data.origin)) return "origin";
  if (data.crossOrigin === true || data.topOrigin !== undefined) return "cross_origin";
  return null;
}

function parse(clientDataJSON: string): Record<string, unknown> | null {
  try {
    const data: unknown = JSON.parse(Buffer.from(clientDataJSON, "base64url").toString());
    return typeof data === "object" && data !== null ? (data as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
