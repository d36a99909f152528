import type { Call } from "#core/call.ts";
import type { OAuthClient } from "#core/clients/oauth_clients.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import type { EventSource } from "#core/events/event_source.ts";
import { byOwner, passwordReset } from "#core/events/reset_events.ts";
import { revocation } from "#core/events/session_revoked.ts";
import { type NoticeCore, notifyOwner } from "#core/messages/notify_owner.ts";
import { chooseLocale } from "#core/messages/wording.ts";
import { resetChannelOf } from "#core/mfa/reset_channel.ts";
import { type CheckCore, checkPassword } from "#core/passwords/check_password.ts";
import type { HashedPassword, PasswordHasher } from "#core/passwords/password_hasher.ts";
import type { RateLimiter } from "#core/rate_limits/rate_limiter.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import type { Verification } from "#core/repositories/verifications.ts";
import { settleAll } from "#core/settle.ts";
import { ensureUserWithAccount, type UserCreationCore } from "#core/users/create_user.ts";
import { type ProofCore, proveClaimed, removePending } from "#core/users/first_proof.ts";
import type { CodeKey } from "#core/verifications/code_key.ts";
import {
  findPresented,
  isUsable,
  type PresentedSecret,
  redeemVerification,
} from "#core/verifications/redeem_verification.ts";

export type ResetCore = NoticeCore &
  CheckCore &
  UserCreationCore &
  ProofCore &
  Pick<Core, "app" | "identifiers" | "passwords" | "sessions" | "verifications"> & {
    codeKey: CodeKey;
    passwordHasher: PasswordHasher;
    rateLimiter: RateLimiter;
  };

/** A new password, with the secret of a message that permits to set it. */
export interface PresentedReset {
  client: OAuthClient;
  presented: PresentedSecret;
  password: string;
  /** Normalized. The address or number that the message must have been sent to; null: any. */
  identity: string | null;
}

/** What a reset did. */
export interface ResetOutcome {
  userId: string;
  sessionsRevoked: number;
}

const PURPOSES = ["reset_password"] as const;
const notFound = () => new NestError("verification_not_found");

/**
 * Sets a new password with the link or the code of a reset, once: one of any number of simultaneous calls does it. The message
 * proves its address. Every session, pending identifier and other open verification of the user ends, a locked password is open again, and
 * each verified address gets a notice. It issues no tokens, and leaves second factors as they are (ASVS 6.4.3).
 *
 * A call that failed on our side can be repeated with the same password.
 * @throws NestError verification_not_found, password_not_acceptable, rate_limited, unavailable
 */
export async function resetPassword(
  core: ResetCore,
  { client, presented, password, identity }: PresentedReset,
  call: Call,
): Promise<ResetOutcome> {
  const now = core.clock.now();
  const accepted = { purposes: PURPOSES, clientId: client.id, now };
  const verification = await findPresented(core, presented, accepted, call);
  const { identifierType, identifierValue } = verification;
  if (identity !== null && identity !== identifierValue) throw notFound();
  // Whoever finds a used link later must not compare passwords with it.
  if (!isUsable(verification, now)) throw notFound();
  // Null for the reset of an address without an account, whose code somebody guessed.
  const identifier = await core.identifiers.findActive(identifierType, identifierValue);
  if (identifier === null) throw notFound();
  if (verification.usedAt !== null) await requireSamePassword(core, { verification, identifier }, password);
  const identifiers = await core.identifiers.listByUser(identifier.userId);
  const addresses = identifiers.map(({ identifierValue }) => identifierValue);
  await checkPassword(core, client, { password, addresses });
  const hashed = await core.passwordHasher.hash(password);
  const applied = { verification, identifier, hashed, client, now, call };
  return redeemVerification(core, verification, { now, call }, () => apply(core, applied));
}

/**
 * A reset that failed after it had set the password is completed with the same password only: somebody who finds the link
 * later must not set another one.
 * @throws NestError verification_not_found
 */
async function requireSamePassword(
  core: ResetCore,
  { verification, identifier }: Pick<Applied, "verification" | "identifier">,
  password: string,
): Promise<void> {
  const stored = await core.passwords.findByUser(identifier.userId);
  if (stored?.resetId !== verification._id) return;
  if (!(await core.passwordHasher.matches(password, stored))) throw notFound();
}

interface Applied {
  verification: Verification;
  identifier: Identifier;
  hashed: HashedPassword;
  client: OAuthClient;
  now: Date;
  call: Call;
}

/** Makes every change of a reset. Each can be repeated. */
async function apply(core: ResetCore, applied: Applied): Promise<ResetOutcome> {
  const { verification, identifier, hashed, client, now, call } = applied;
  const { userId } = identifier;
  const at = now.toISOString();
  const source = byOwner(verification, identifier, call);
  const endedFirst = identifier.verifiedAt === null ? await prove(core, applied, source) : 0;
  const reset = { userId, resetId: verification._id, resetBy: resetChannelOf(verification) };
  await core.passwords.reset(reset, hashed, {
    ...{ now: at, events: [passwordReset(verification, identifier, source, at)] },
  });
  // A sign-in that compared the old password may have begun after this call.
  const replacedAt = core.clock.now().toISOString();
  const [identifiers, user, ended] = await settleAll([
    core.identifiers.listByUser(userId),
    core.users.find(userId),
    endSessions(core, userId, { source, at: replacedAt }),
    removePending(core, userId, { source, at, reason: "password_reset" }),
  ]);
  const active = identifiers.filter(({ removedAt }) => removedAt === null);
  const addresses = active.map(({ identifierValue }) => identifierValue);
  const mail = { template: "password_changed", variables: { changedAt: at } } as const;
  const locale = chooseLocale(core.app, user?.locale, client.locale);
  await settleAll([
    core.verifications.revokeOpenOf({ userId, addresses }, verification._id, at),
    notifyOwner(core, identifiers, { ...mail, locale }),
  ]);
  const sessionsRevoked = endedFirst + ended;
  core.log.info("password_reset", { user_id: userId, client_id: client.id, sessions: sessionsRevoked });
  return { userId, sessionsRevoked };
}

/** Ends every session of the user, also one that a sign-in with the old password starts meanwhile. @returns how many */
async function endSessions(
  core: ResetCore,
  userId: string,
  { source, at }: { source: EventSource; at: string },
): Promise<number> {
  const sessions = await core.sessions.listUnrevoked(userId);
  const ends = sessions.map((session) => ({
    sessionId: session._id,
    ...revocation(session, "password_reset", source, at),
  }));
  const [ended] = await settleAll([core.sessions.revokeAll(ends), core.users.endSessions(userId, at, null)]);
  return ended;
}

/**
 * Verifies the address that the message of the reset was sent to, and drops what was set for the user without a proof.
 * @returns how many sessions ended
 */
async function prove(
  core: ResetCore,
  { verification, identifier, now }: Applied,
  source: EventSource,
): Promise<number> {
  const at = now.toISOString();
  const [ended] = await settleAll([
    endSessions(core, identifier.userId, { source, at }),
    ensureUserWithAccount(core, identifier.userId, identifier.createdAt),
  ]);
  const proof = { source, at, verificationId: verification._id, isByClaimant: false, beakId: null };
  await proveClaimed(core, identifier, proof);
  return ended;
}
