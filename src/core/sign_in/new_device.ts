import type { Call } from "#core/call.ts";
import type { OAuthClient } from "#core/clients/oauth_clients.ts";
import type { Core } from "#core/core.ts";
import { derivedIdOf } from "#core/ids.ts";
import type { Mailer } from "#core/messages/mailer.ts";
import { type NoticeOutcome, sendNotice } from "#core/messages/notices.ts";
import { networkOf } from "#core/network.ts";
import type { RateLimiter } from "#core/rate_limits/rate_limiter.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import type { SessionOrigin } from "#core/repositories/sessions.ts";
import { hashSecret } from "#core/secrets.ts";
import type { CodeKey } from "#core/verifications/code_key.ts";
import { newVerification } from "#core/verifications/new_verification.ts";

/** What noticing new devices needs. Versions before 2026-12-01 have no mailer, so they send no notice. */
export type NewDeviceCore = Pick<
  Core,
  "app" | "clock" | "identifiers" | "log" | "mailEvents" | "sessions" | "stage" | "users" | "verifications"
> & { mailer?: Mailer; codeKey?: CodeKey; rateLimiter: RateLimiter };

/** A sign-in whose session is being stored. */
export interface NewSignIn {
  client: OAuthClient;
  sessionId: string;
  /** As it was before the sign-in. */
  identifier: Identifier;
  /** The device that the sign-in names, or null. */
  beakId: string | null;
  /** When the person signed in, ISO. */
  authTime: string;
  /** When this attempt began, ISO. An earlier one may have failed after it remembered the device, and mailed nothing. */
  at: string;
  call: Call;
}

/**
 * Reads whether a sign-in comes from a device or a network that the user has not used, while the sign-in is stored.
 * @returns what to do once it is stored: it mails the user, or does nothing, and never fails. A call whose mail was
 *   not sent must not remember the device, so that its repetition mails the user
 */
export async function watchDevice(
  core: NewDeviceCore,
  signIn: NewSignIn,
): Promise<() => Promise<NoticeOutcome>> {
  const { mailer, codeKey } = core;
  if (!mailer || !codeKey) return async () => "sent";
  const { sessionId, identifier } = signIn;
  const earlier = await core.sessions.listOrigins(identifier.userId, sessionId).catch(() => null);
  if (earlier === null || !isNewDevice(signIn, earlier)) return async () => "sent";
  return () => mailAboutDevice({ ...core, mailer, codeKey }, signIn);
}

/**
 * Decides whether a sign-in is from a device or network that the user has not used. A device is recognized by its `beak_id`;
 * without one, the network is compared. The first sign-in of a user is not new. A session by a password counts after its tokens
 * arrived: a call that failed leaves one, so that its repetition would mail nothing, and so would two calls at once.
 * @param others where the user's other sessions started
 */
export function isNewDevice(
  { identifier, beakId, authTime, at, call }: Omit<NewSignIn, "client" | "sessionId">,
  others: readonly SessionOrigin[],
): boolean {
  const own = beakId === null ? null : hashSecret(beakId);
  const isFirstAttempt = authTime === at;
  const known = (identifier.knownDevices ?? []).filter((device) => isFirstAttempt || device !== own);
  const earlier = others.filter(
    ({ rootGrant, acknowledgedGeneration }) => rootGrant.type !== "password" || acknowledgedGeneration > 0,
  );
  if (earlier.length === 0 && known.length === 0) return false;
  if (own === null) return !earlier.some(({ ip }) => networkOf(ip) === networkOf(call.ip));
  return !known.includes(own) && !earlier.some(({ device }) => device?.beakId === beakId);
}

/**
 * Mails every verified address of the user, with a link that ends the session. A repeated sign-in mails nothing, nor does one
 * above the daily limit of the user.
 */
function mailAboutDevice(
  core: NewDeviceCore & { mailer: Mailer; codeKey: CodeKey },
  { client, sessionId, identifier, beakId, authTime, call }: NewSignIn,
): Promise<NoticeOutcome> {
  const { userId, identifierType: type, identifierValue: identity } = identifier;
  return sendNotice(core, { userId, locale: client.locale }, async () => {
    const { verification, secrets } = newVerification(core, {
      ...{ purpose: "disown", clientId: client.id, target: { type, identity, country: null } },
      ...{ sends: { code: false, redirectUri: core.app.urls.landing }, userId, sessionId },
      now: core.clock.now(),
    });
    const [isFirst, { isAllowed }] = await Promise.all([
      core.verifications.insertIfAbsent({
        ...verification,
        _id: derivedIdOf(sessionId, "disownment"),
        ...(beakId !== null && { deviceHash: hashSecret(beakId) }),
      }),
      core.rateLimiter.countOne("device_notices_per_user", userId),
    ]);
    if (!isAllowed) core.log.warn("device_notice_limited", { user_id: userId });
    if (!isFirst || !isAllowed) return null;
    const disownUrl = `${core.app.urls.landing}?disown=${secrets.token}&stage=${core.stage}`;
    return { template: "new_device", variables: { at: authTime, ip: call.ip, disownUrl } };
  });
}
