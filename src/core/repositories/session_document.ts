import type { Grant } from "#core/repositories/access_tokens.ts";
import type { Device } from "#core/repositories/authorizations.ts";
import type { Outbox } from "#core/repositories/outbox.ts";
import type { RevokedReason } from "#core/repositories/revoked_reason.ts";

/**
 * How a person proved who they are. `link`: they had a link that was mailed to their address. `otp`: a code that was sent.
 * `pwd`: their password. `sms`: a code by SMS that was the second factor. `pop`: a passkey or security key. `mfa`: two factors
 * (RFC 8176). `fed`: a provider such as Google said who they are. `test`: not at all, an internal caller issued a token for tests.
 */
export type AuthenticationMethod = "link" | "otp" | "pwd" | "sms" | "pop" | "mfa" | "fed" | "test";

/** One sign-in on one device. Sessions are revoked, not single tokens (contract 1.2). */
export interface Session extends Outbox {
  /** session_<ksuid> */
  _id: string;
  userId: string;
  clientId: string;
  rootGrant: Grant;
  /** The account that the user chose for the session. Absent: the user's default account. Not in the published documents. */
  accountId?: string;
  device: Device | null;
  /** The id that the app gave its device (claim `device_id`). Absent if it gave none. */
  deviceId?: string;
  ip: string;
  userAgent: string | null;
  createdAt: string;
  /** When the person proved who they are. Earlier releases did not store it: it is `createdAt` then. */
  authTime?: string;
  /** When the first factor was proved, if the sign-in asked for a second one. Absent: `authTime`. Not in the published documents. */
  firstFactorAt?: string;
  /** How the person proved who they are (RFC 8176). Earlier releases did not store it: it is the grant's method then. */
  amr?: AuthenticationMethod[];
  lastUsedAt: string;
  /** Raised by one with each refresh. Tokens of a lower generation are refused. */
  generation: number;
  /** The highest generation whose access token was used, which shows that the client received the response. */
  acknowledgedGeneration: number;
  expiresAt: string;
  revokedAt: string | null;
  revokedReason: RevokedReason | null;
  purgeAt: Date;
}
