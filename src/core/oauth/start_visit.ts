import { type Call, type Caller, userOf } from "#core/call.ts";
import { type OAuthClients, requireRedirectUri } from "#core/clients/oauth_clients.ts";
import { HOUR, MINUTE, plusSeconds } from "#core/clock.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { newId } from "#core/ids.ts";
import { networkOf } from "#core/network.ts";
import type { OAuthProviders } from "#core/oauth/oauth_providers.ts";
import { ProviderRefusal } from "#core/oauth/provider_refusal.ts";
import type { VisitKey } from "#core/oauth/visit_secrets.ts";
import type { RateLimiter } from "#core/rate_limits/rate_limiter.ts";
import { refuseIfOver } from "#core/rate_limits/verdict.ts";
import type { Device } from "#core/repositories/authorizations.ts";
import type { OAuthState } from "#core/repositories/oauth_states.ts";
import { hashSecret } from "#core/secrets.ts";
import { unauthorized } from "#core/sessions/access_token.ts";
import { requireFresh } from "#core/sessions/freshness.ts";

/** Time for the person to sign in at the provider. */
const VISIT_SECONDS = 10 * MINUTE;

/** For so long after its end a visit is kept, to find out what happened. */
const KEPT_SECONDS = HOUR;

export type VisitCore = Pick<Core, "clock" | "log" | "oauthStates"> & {
  issuer: string;
  oauthProviders: OAuthProviders;
  rateLimiter: RateLimiter;
  visitKey: VisitKey;
};

/** What a client asks for. */
export interface VisitRequest {
  clientId: string;
  provider: string;
  redirectUri: string;
  state: string;
  codeChallenge: string;
  intent: "sign_in" | "link";
  loginHint: string | undefined;
  device: Device | null;
}

/** The URL to which a provider sends the person back. Each provider has its own, so that no answer is taken for another's. */
export const callbackOf = (issuer: string, provider: string): string =>
  `${issuer}/1/oauth/${provider}/callback`;

/**
 * Begins a visit at a provider. To link an account, the user must have signed in within the last 10 minutes.
 * @throws NestError client_not_found, invalid_redirect_uri, provider_not_found, unauthorized, reauthentication_required, rate_limited,
 *   unavailable
 */
export async function startVisit(
  core: VisitCore & { oauthClients: OAuthClients },
  asked: VisitRequest,
  { caller, call }: { caller: Caller; call: Call },
): Promise<{ authorizationUrl: string; expiresAt: string }> {
  const client = core.oauthClients.require(asked.clientId);
  requireRedirectUri(client, asked.redirectUri);
  const provider = core.oauthProviders.require(asked.provider);
  const now = core.clock.now();
  const linker = asked.intent === "link" ? linkerOf(caller, now) : { userId: null, sessionId: null };
  refuseIfOver([await core.rateLimiter.countOne("oauth_visits_per_network", networkOf(call.ip))]);
  const secrets = core.visitKey.begin();
  const callback = callbackOf(core.issuer, provider.id);
  const authorizationUrl = await core.oauthProviders
    .authorizationUrl(provider, secrets, { callback, loginHint: asked.loginHint })
    .catch((error: unknown) => {
      if (!(error instanceof ProviderRefusal)) throw error;
      throw new NestError("unavailable", {
        cause: error,
        detail: "the metadata of the provider can't be read",
      });
    });
  const expiresAt = plusSeconds(now, VISIT_SECONDS);
  const state: OAuthState = {
    ...{ _id: newId("authorization"), stateHash: hashSecret(secrets.state), provider: provider.id },
    ...{ clientId: client.id, redirectUri: asked.redirectUri, clientState: asked.state },
    ...{ codeChallenge: asked.codeChallenge, intent: asked.intent, ...linker, device: asked.device },
    ...{ createdAt: now.toISOString(), expiresAt: expiresAt.toISOString(), answeredAt: null },
    ...{ key: null, identity: null, usedAt: null, redemption: null, revokedAt: null, failedRedemptions: 0 },
    purgeAt: plusSeconds(expiresAt, KEPT_SECONDS),
  };
  await core.oauthStates.insert(state);
  return { authorizationUrl, expiresAt: state.expiresAt };
}

/** @throws NestError unauthorized, access_denied, reauthentication_required */
function linkerOf(caller: Caller, now: Date): { userId: string; sessionId: string } {
  if (caller.kind === "anonymous") throw unauthorized("token_not_found");
  const { userId, sessionId } = userOf(caller);
  requireFresh(caller, now);
  return { userId, sessionId };
}
