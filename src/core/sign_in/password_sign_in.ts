import type { output } from "zod/mini";
import type { Call } from "#core/call.ts";
import type { Captcha } from "#core/captcha/captcha.ts";
import type { OAuthClient } from "#core/clients/oauth_clients.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { type AuditCore, auditNow } from "#core/events/audit_row.ts";
import { byHolder } from "#core/events/event_source.ts";
import { revocation } from "#core/events/session_revoked.ts";
import { signedIn } from "#core/events/sign_in_events.ts";
import { newId } from "#core/ids.ts";
import { channelThatSet } from "#core/mfa/reset_channel.ts";
import { type FirstFactor, passSecondFactor } from "#core/mfa/second_factor.ts";
import type { PasswordHasher } from "#core/passwords/password_hasher.ts";
import { type CountedPassword, resetFailures } from "#core/passwords/password_limits.ts";
import type { Grant } from "#core/repositories/access_tokens.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import type { Password } from "#core/repositories/passwords.ts";
import type { User } from "#core/repositories/users.ts";
import { newSecret } from "#core/secrets.ts";
import { issueSession, type TokenPair } from "#core/sessions/issue_session.ts";
import { settleAll } from "#core/settle.ts";
import type { GrantCore } from "#core/sign_in/grants/grant_core.ts";
import { type NewDeviceCore, watchDevice } from "#core/sign_in/new_device.ts";
import { rememberDevice } from "#core/users/known_devices.ts";
import { type codeDevice, readCodeDevice } from "#core/verifications/code_device.ts";

/** The dependencies of signing in with a password. */
export type PasswordGrantCore = GrantCore &
  AuditCore &
  NewDeviceCore &
  Pick<Core, "accountMembers" | "identifiers" | "passwords"> & {
    captcha: Captcha;
    passwordHasher: PasswordHasher;
  };

/** The tokens of a sign-in with a password. */
export interface PasswordTokens extends TokenPair {
  /** Whether the user must set another password. */
  passwordChangeRequired: boolean;
}

/** A correct password. */
export interface CorrectPassword {
  password: Password;
  identifier: Identifier;
  user: User | null;
  counted: CountedPassword;
}

export interface PasswordSignIn {
  client: OAuthClient;
  typed: string;
  device: output<typeof codeDevice> | undefined;
  /** The account that the person chose. Undefined: the user's default account. */
  accountId: string | undefined;
  /** When the call began. The person signed in then. */
  startedAt: Date;
  call: Call;
}

/**
 * Starts the session of a correct password. A repeated request starts another: the password proves the person each time. If the
 * password was replaced or removed since it was read, the session ends. If that happens later, the session may be stored too late
 * to be revoked: then it is refused, because whoever replaces or removes a password ends all sessions of people who signed in
 * until then, and this one began before the comparison.
 * @throws NestError invalid_credentials, mfa_required, mfa_enrollment_required, unavailable
 */
export async function signInWithPassword(
  core: PasswordGrantCore,
  { password, identifier, user, counted }: CorrectPassword,
  { client, typed, device: asked, accountId, startedAt: now, call }: PasswordSignIn,
): Promise<PasswordTokens> {
  const { userId } = password;
  const at = now.toISOString();
  const sessionId = newId("session");
  const rootGrant: Grant = { type: "password", value: password._id };
  const source = byHolder({ userId, clientId: client.id, sessionId }, call);
  const { device, deviceId } = readCodeDevice(asked);
  const rehashed = core.passwordHasher.isOutdated(password) ? await core.passwordHasher.hash(typed) : null;
  const beakId = asked?.beak_id ?? null;
  const first: FirstFactor = {
    ...{ client, user, identifier, amr: ["pwd"], sessionId, rootGrant, device, deviceId, beakId },
    ...{ accountId, authTime: at, redeemed: null, mustChangePassword: password.mustChange },
    resetBy: channelThatSet(password),
  };
  const accept = () =>
    settleAll([core.passwords.acceptPresented(password, rehashed), resetFailures(core, counted)]);
  const secondFactor = await passSecondFactor(core, first, async () => {
    const [isAccepted] = await accept();
    if (!isAccepted) throw new NestError("invalid_credentials");
  });
  const [[isAccepted], pair, notice] = await settleAll([
    accept(),
    issueSession(core, {
      ...{ client, userId, device, deviceId, sessionId, accountId, startedAt: at },
      ...{ authTime: at, amr: ["pwd"], generation: 1, grant: rootGrant, rootGrant },
      accessTokenId: newId("accessToken"),
      refreshToken: { id: newId("refreshToken"), secret: newSecret() },
      ...{ now, call, secondFactor },
    }),
    watchDevice(core, { client, sessionId, identifier, beakId, authTime: at, at, call }),
    auditNow(core, signedIn({ userId, sessionId, grant: rootGrant }, source, at)),
  ]);
  if (!isAccepted) {
    const session = { _id: sessionId, userId };
    await core.sessions.revoke(sessionId, revocation(session, "password_set", source, at));
    throw new NestError("invalid_credentials");
  }
  const noticed = await notice();
  if (noticed === "out_of_time")
    throw new NestError("unavailable", { detail: "no time left for the notice" });
  // Only now: if this call fails, its repetition must not find the device known already, and mail nothing.
  if (beakId !== null && noticed === "sent")
    await rememberDevice(core, identifier, { beakId, isProof: false });
  core.log.info("signed_in", { user_id: userId, client_id: client.id, session_id: sessionId });
  return { ...pair, passwordChangeRequired: password.mustChange };
}
