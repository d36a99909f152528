import type { IdentifierType } from "#core/repositories/identifiers.ts";
import type { Outbox } from "#core/repositories/outbox.ts";
import type { Invite, PendingRegistration } from "#core/repositories/pending_registration.ts";
import type { Attempt, Redemption } from "#core/repositories/redeemable.ts";
import type { VerificationPurpose } from "#core/repositories/verification_purposes.ts";

/**
 * A code, a link, or both, that were sent to an address or a number. The requester has the nonce, and only the message has
 * the code and the token of the link.
 */
export interface Verification extends Outbox {
  /** verif_<ksuid>; disown_<ksuid> for the purpose `disown` */
  _id: string;
  purpose: VerificationPurpose;
  clientId: string;
  identifierType: IdentifierType;
  /** Normalized, as in `identifiers`. */
  identifierValue: string;
  /** The country of a phone number (ISO 3166-1); null for an email address. */
  country: string | null;
  /** SHA-256 of the nonce. */
  nonceHash: string;
  /**
   * HMAC of the code and of the verification's id, because a plain hash of six digits can be reversed by trying all codes.
   * Null if the message has a link only.
   */
  codeHash: string | null;
  /** SHA-256 of the token of the link; absent if the message has a code only. */
  tokenHash?: string;
  /** The user that it is for; absent if its redemption finds or creates the user. */
  userId?: string;
  /** The session that requested it; absent if nobody was signed in. */
  sessionId?: string;
  /** SHA-256 of the `beak_id` of the device that the mail is about; absent if there was none. */
  deviceHash?: string;
  /** The page that the link opens; absent without a link. */
  redirectUri?: string;
  /** What a code of the purpose `register` completes. */
  registration?: PendingRegistration;
  /** What a link of the purpose `invite` gives. */
  invite?: Invite;
  /** Codes that were presented with the nonce. They are counted before they are compared. */
  attempts: number;
  createdAt: string;
  expiresAt: string;
  /** When its redemption started. */
  usedAt: string | null;
  /**
   * Null until the redemption. If it signs in: the data from which a repeated request gets the same session and refresh token.
   * Else the attempt that runs or failed; null again once it is complete.
   */
  redemption: Redemption | Attempt | null;
  /** When a later verification of the same identifier and purpose replaced it. */
  revokedAt: string | null;
  /** A BSON date, because a TTL index ignores strings. */
  purgeAt: Date;
}
