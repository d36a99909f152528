import type { Call } from "#core/call.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { type AuditCore, auditNow } from "#core/events/audit_row.ts";
import { byHolder } from "#core/events/event_source.ts";
import { signedIn } from "#core/events/sign_in_events.ts";
import { derivedIdOf, newId } from "#core/ids.ts";
import type { HashedPassword } from "#core/passwords/password_hasher.ts";
import type { RateLimiter } from "#core/rate_limits/rate_limiter.ts";
import type { Grant } from "#core/repositories/access_tokens.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import { attemptOf } from "#core/repositories/registration_writes.ts";
import { newSecret } from "#core/secrets.ts";
import { type IssueCore, issueSession, type TokenPair } from "#core/sessions/issue_session.ts";
import { settleAll } from "#core/settle.ts";
import { judgeRegistration } from "#core/sign_in/registration/judge_registration.ts";
import {
  countRegistration,
  hashNewPassword,
  type NewPasswordCore,
  type Registration,
} from "#core/sign_in/registration/registration.ts";
import { storeRegistered } from "#core/sign_in/registration/store_registered.ts";
import { takeBack } from "#core/sign_in/registration/take_back.ts";
import { ensureUserWithAccount, type UserCreationCore } from "#core/users/create_user.ts";
import { newIdentifier } from "#core/users/sign_in_user.ts";
import { withFailureRecorded } from "#core/verifications/attempt.ts";

export type RegisterNowCore = NewPasswordCore &
  IssueCore &
  AuditCore &
  UserCreationCore &
  Pick<Core, "clock" | "identifiers" | "log" | "passwords" | "pendingIdentifiers"> & {
    rateLimiter: RateLimiter;
  };

/** A user who was registered and signed in. */
export interface RegisteredUser {
  pair: TokenPair;
  /** It is claimed, and not proved. */
  identifier: Identifier;
}

const taken = () => new NestError("identifier_taken");

/**
 * Registers a user and signs them in, before their address is proved. The insert of the identifier decides who gets the address:
 * one of any number of simultaneous calls. If a call stops later, the same request completes it: every id derives from the
 * identifier, and the user's document, account, password and session are written only if they are missing. A registration that
 * is complete can't be repeated: the address is taken, and the person signs in with the password. If the owner proves the address
 * meanwhile, nothing of the registration stays.
 * @throws NestError identifier_taken, password_not_acceptable, rate_limited, unavailable
 */
export async function registerNow(
  core: RegisterNowCore,
  registration: Registration,
  call: Call,
): Promise<RegisteredUser> {
  const { client, target } = registration;
  // An address must not be claimed when no token can be signed.
  await core.signer.key();
  const [, found] = await Promise.all([
    countRegistration(core, call),
    core.identifiers.findActive(target.type, target.identity),
  ]);
  const now = core.clock.now();
  const step = judgeRegistration(client, found, now);
  if (step === "refuse") throw taken();
  const password = await hashNewPassword(core, registration);
  const claimed =
    found === null
      ? await claim(core, registration, { now, call })
      : await resume(core, registration, { found, now });
  if (claimed === null) throw taken();
  const recordFailure = () => core.identifiers.recordFailedRegistration(claimed._id, now.toISOString());
  return withFailureRecorded(recordFailure, async () => {
    const pair = await complete(core, registration, { identifier: claimed, password, now, call });
    const at = now.toISOString();
    if (!(await core.identifiers.completeRegistration(claimed._id, at))) {
      const attempt = { identifier: claimed, sessionId: pair.sessionId, password, phone: registration.phone };
      await takeBack(core, attempt, { source: sourceOf(registration, claimed, call), at });
      throw taken();
    }
    return { pair, identifier: claimed };
  });
}

/** Claims the address for a new user. @returns null if another call was first */
async function claim(
  core: RegisterNowCore,
  { client, target }: Registration,
  { now, call }: { now: Date; call: Call },
): Promise<Identifier | null> {
  const userId = newId("user");
  const at = now.toISOString();
  const source = sourceOf({ client }, { userId }, call);
  const fresh = newIdentifier({ identity: target.identity, type: target.type }, userId, source, at);
  const identifier = { ...fresh, registration: { startedAt: at } };
  return (await core.identifiers.insert(identifier)) ? identifier : null;
}

/**
 * Resumes a registration that stopped, if it has not stored another password.
 * @returns null if it has, or another call resumed it
 */
async function resume(
  core: RegisterNowCore,
  { password }: Registration,
  { found, now }: { found: Identifier; now: Date },
): Promise<Identifier | null> {
  const stored = await core.passwords.findByUser(found.userId);
  const isSame = stored === null || (await core.passwordHasher.matches(password ?? "", stored));
  const attempt = attemptOf(found.registration);
  if (!isSame || attempt === null) return null;
  return core.identifiers.resumeRegistration(found._id, attempt.startedAt, now.toISOString());
}

const sourceOf = (
  { client }: Pick<Registration, "client">,
  { userId }: Pick<Identifier, "userId">,
  call: Call,
) => byHolder({ userId, clientId: client.id, sessionId: sessionIdOf({ userId }) }, call);

const sessionIdOf = ({ userId }: Pick<Identifier, "userId">) => derivedIdOf(userId, "session");

interface Claimed {
  identifier: Identifier;
  password: HashedPassword | null;
  now: Date;
  call: Call;
}

/** Writes the user, the account, the password and the session, all in one round trip. Each write can be repeated. */
async function complete(
  core: RegisterNowCore,
  registration: Registration,
  { identifier, password, now, call }: Claimed,
): Promise<TokenPair> {
  const { client, device, deviceId } = registration;
  const { _id, userId, createdAt } = identifier;
  const sessionId = sessionIdOf(identifier);
  const at = now.toISOString();
  const source = sourceOf(registration, identifier, call);
  const grant: Grant = { type: "register", value: _id };
  const [pair] = await settleAll([
    issueSession(core, {
      ...{ client, userId, device, deviceId, sessionId, startedAt: createdAt, authTime: createdAt },
      ...{ amr: password === null ? [] : ["pwd"], generation: 1, grant, rootGrant: grant, now, call },
      accessTokenId: newId("accessToken"),
      // Nobody has the token of a call that stopped, so another attempt issues another one.
      refreshToken: { id: newId("refreshToken"), secret: newSecret() },
      secondFactor: "new_user",
    }),
    ensureUserWithAccount(core, userId, createdAt, registration),
    storeRegistered(
      core,
      identifier,
      { password, phone: registration.phone, isProvisional: true },
      { source, at },
    ),
    auditNow(core, signedIn({ userId, sessionId, grant }, source, createdAt)),
  ]);
  core.log.info("registered", { user_id: userId, client_id: client.id, session_id: sessionId });
  return pair;
}
