import type { Call, Caller } from "#core/call.ts";
import type { OAuthClients } from "#core/clients/oauth_clients.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import type { VerifyingKeys } from "#core/keys/keys_in_use.ts";
import { type AccessTokenClaims, verifyAccessToken } from "#core/sessions/access_token.ts";
import { requireValidToken } from "#core/sessions/bearer.ts";
import { endSession } from "#core/sessions/end_sessions.ts";
import { revokeRefreshToken } from "#core/sessions/sign_out.ts";

type RevocationCore = Pick<
  Core,
  "accessTokens" | "clock" | "log" | "refreshTokens" | "sessions" | "users"
> & { issuer: string; verifyingKeys: VerifyingKeys; oauthClients: OAuthClients };

/**
 * Revokes the session of a token of either kind (RFC 7009). An invalid, expired or unknown token is ignored, as the standard
 * wants: its owner has what they asked for.
 * @param clientId the client that asks; tokens of other clients stay valid
 * @returns false if the token was issued to another client
 */
export async function revokeToken(
  core: RevocationCore,
  { token, clientId }: { token: string; clientId: string },
  call: Call,
): Promise<boolean> {
  // A JWS begins with an encoded brace. Callers may send a wrong hint about the kind, so none is read.
  if (!token.startsWith("ey")) return revokeRefreshToken(core, { refreshToken: token, clientId }, call);
  const claims = await verifyAccessToken(core, token).catch(ignoreInvalid);
  if (claims === null) return true;
  if (claims.clientId !== clientId) return false;
  await endSessionOf(core, claims, call);
  return true;
}

/** A token that is no longer valid can't end its session: it may have been stolen before it was revoked. */
async function endSessionOf(core: RevocationCore, claims: AccessTokenClaims, call: Call): Promise<void> {
  const { userId, clientId, sessionId } = claims;
  const [valid, session] = await Promise.all([
    requireValidToken(core, claims).catch(ignoreInvalid),
    core.sessions.find(sessionId),
  ]);
  if (valid === null) return;
  const caller: Caller = { kind: "user", userId, clientId, sessionId };
  await endSession(core, { userId, session }, { caller, call });
}

function ignoreInvalid(error: unknown): null {
  if (error instanceof NestError && error.code === "unauthorized") return null;
  throw error;
}
