import type { Call, Caller } from "#core/call.ts";
import type { OAuthClient } from "#core/clients/oauth_clients.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import type { AuditCore } from "#core/events/audit_row.ts";
import { byCaller } from "#core/events/event_source.ts";
import { passwordSet } from "#core/events/reset_events.ts";
import { type NoticeCore, notifyOwner } from "#core/messages/notify_owner.ts";
import { chooseLocale } from "#core/messages/wording.ts";
import { type CheckCore, checkPassword } from "#core/passwords/check_password.ts";
import { type CurrentPasswordCore, matchCurrentPassword } from "#core/passwords/current_password.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import type { StoredEvent } from "#core/repositories/outbox.ts";
import type { Password } from "#core/repositories/passwords.ts";
import type { Session } from "#core/repositories/sessions.ts";
import type { User } from "#core/repositories/users.ts";
import { unauthorized } from "#core/sessions/access_token.ts";
import { endAllSessions } from "#core/sessions/end_sessions.ts";
import { hasEnded } from "#core/sessions/session_state.ts";
import { settleAll } from "#core/settle.ts";
import { dropPassword, mayAddIdentifiers } from "#core/users/first_proof.ts";

type SetCore = CurrentPasswordCore &
  CheckCore &
  NoticeCore &
  AuditCore &
  Pick<Core, "identifiers" | "sessions" | "users" | "verifications"> & { app: Core["app"] };

/** A signed-in user who sets a password. */
export interface PasswordChange {
  client: OAuthClient;
  caller: Extract<Caller, { kind: "user" }>;
  /** As typed. */
  password: string;
  /** As typed; undefined if the user gave none. */
  currentPassword: string | undefined;
  /** The user's own password, which was read. Null if there is none. */
  stored: Password | null;
  /** Every identifier of the user. */
  identifiers: readonly Identifier[];
}

/** A password that this call has stored. */
interface SetPassword {
  at: string;
  /** Whether the user had none. */
  isFirst: boolean;
  /** Whether the user had proved no address or number. */
  isProvisional: boolean;
  events: readonly StoredEvent[];
}

const refused = () => new NestError("invalid_credentials");

/**
 * Sets the first password of a user, or another one in place of the current password, which the user presents. One of any
 * number of simultaneous calls with the same current password does it. Every other session of the user ends, open resets
 * are revoked, and each verified address gets a notice.
 *
 * A call that failed on our side can be repeated with the same passwords.
 * @returns how many sessions ended
 * @throws NestError invalid_credentials, password_not_acceptable, rate_limited, unavailable; unauthorized if the session
 *   ended meanwhile, and then the first password is not kept
 */
export async function setPassword(core: SetCore, change: PasswordChange, call: Call): Promise<number> {
  const { client, caller } = change;
  const { userId } = caller;
  const current = await requireCurrent(core, change, call);
  const set = current === "set" ? null : await store(core, change, current, call);
  const [own, sessions, user, identifiers] = await Promise.all([
    core.sessions.find(caller.sessionId),
    core.sessions.listUnrevoked(userId),
    core.users.find(userId),
    core.identifiers.listByUser(userId),
  ]);
  if (set?.isFirst) await requireSession(core, { session: own, user, userId }, set);
  // The user proved it meanwhile: a proof by somebody else would have ended the session.
  if (set?.isProvisional && mayAddIdentifiers(identifiers)) await core.passwords.keepProvisional(userId);
  const at = core.clock.now().toISOString();
  const ending = { userId, sessions, keepsCurrent: true, reason: "password_set" } as const;
  const locale = chooseLocale(core.app, user?.locale, client.locale);
  const notice = { template: "password_changed", variables: { changedAt: set?.at ?? at }, locale } as const;
  const [revoked] = await settleAll([
    endAllSessions(core, ending, { caller, call }),
    core.verifications.revokeResets(activeOf(identifiers), at),
    notifyOwner(core, identifiers, notice),
  ]);
  core.log.info("password_set", { user_id: userId, client_id: client.id, sessions: revoked });
  return revoked;
}

const activeOf = (identifiers: readonly Identifier[]) =>
  identifiers.filter(({ removedAt }) => removedAt === null).map(({ identifierValue }) => identifierValue);

/**
 * Checks the current password. An earlier attempt of this call may have replaced it: then the new password is correct, if the
 * session of the call is older than it.
 * @returns the password to replace; null if there is none; `set` if an earlier attempt has set the new one
 * @throws NestError invalid_credentials, rate_limited, unavailable
 */
async function requireCurrent(
  core: SetCore,
  { caller, stored, password, currentPassword }: PasswordChange,
  call: Call,
): Promise<Password | null | "set"> {
  if (stored === null) return null;
  const { userId, authTime } = caller;
  let newest: Password | null = stored;
  if (currentPassword !== undefined) {
    const current = await matchCurrentPassword(core, userId, currentPassword, call);
    if (current.isCorrect) return current.password;
    // An earlier attempt that still runs may have replaced it since it was read.
    newest = current.password;
  }
  const mayBeSet = newest?.setBy === "user" && authTime !== undefined && newest.updatedAt >= authTime;
  if (mayBeSet && (await matchCurrentPassword(core, userId, password, call)).isCorrect) return "set";
  throw refused();
}

/** @throws NestError invalid_credentials if another call was first; password_not_acceptable */
async function store(
  core: SetCore,
  { client, caller, password, identifiers }: PasswordChange,
  current: Password | null,
  call: Call,
): Promise<SetPassword> {
  const { userId } = caller;
  const addresses = identifiers.map(({ identifierValue }) => identifierValue);
  await checkPassword(core, client, { password, addresses });
  const isProvisional = !mayAddIdentifiers(identifiers);
  const hashed = await core.passwordHasher.hash(password);
  const next = { ...hashed, setBy: "user", mustChange: false, isProvisional } as const;
  const at = timeAfter(current?.updatedAt, core.clock.now());
  const events = [passwordSet(userId, byCaller(caller, call), at)];
  const isStored =
    current === null
      ? await core.passwords.insert(userId, next, { now: at, events })
      : await core.passwords.replace({ userId, setAt: current.updatedAt }, next, { now: at, events });
  if (!isStored) throw refused();
  return { at, isFirst: current === null, isProvisional, events };
}

/** Now, or a moment after `earlier`: the time tells a password from the one before, also if clocks differ. */
const timeAfter = (earlier: string | undefined, now: Date): string =>
  new Date(Math.max(now.getTime(), earlier === undefined ? 0 : Date.parse(earlier) + 1)).toISOString();

/**
 * Takes back a first password whose session ended before it was stored. The session may have ended because the owner of the
 * address proved it, and the caller is a stranger who had claimed it. Nothing that the stranger sets may stay.
 * @throws NestError unauthorized
 */
async function requireSession(
  core: SetCore,
  { session, user, userId }: { session: Session | null; user: User | null; userId: string },
  { at, events }: SetPassword,
): Promise<void> {
  if (session && user && !hasEnded(session, user)) return;
  await dropPassword(core, { userId, events: [...events] }, { updatedAt: at });
  throw unauthorized("token_revoked");
}
