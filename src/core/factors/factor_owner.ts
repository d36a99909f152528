import type { Call, Caller } from "#core/call.ts";
import type { OAuthClient, OAuthClients } from "#core/clients/oauth_clients.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { byCaller, byHolder, type EventSource } from "#core/events/event_source.ts";
import { type ChallengeCore, requireChallenge } from "#core/mfa/challenge.ts";
import { requireFresh } from "#core/sessions/freshness.ts";

/** Who adds a factor: a user who signed in a short time ago, or a person whose first factor waits for it. */
export interface FactorOwner {
  userId: string;
  client: OAuthClient;
  /** The id of the session or of the challenge: what permits it. */
  by: string;
  /** Whether the person signed in with the first factor only, because a policy requires a second one. */
  isEnrolling: boolean;
  source: EventSource;
  caller: Caller;
}

type OwnerCore = ChallengeCore & Pick<Core, "clock"> & { oauthClients: OAuthClients };

/**
 * Finds out who adds a factor. An access token must be fresh. `mfa_token` must be that of `mfa_enrollment_required`.
 * @throws NestError access_denied, reauthentication_required, mfa_token_expired, client_not_found, rate_limited, unavailable
 */
export async function factorOwner(
  core: OwnerCore,
  mfaToken: string | undefined,
  { caller, call }: { caller: Caller; call: Call },
): Promise<FactorOwner> {
  const now = core.clock.now();
  if (mfaToken !== undefined) {
    const accepted = { clientId: null, purposes: ["enrol"], now } as const;
    const { challenge } = await requireChallenge(core, mfaToken, accepted, call);
    const { _id: by, userId, clientId, sessionId } = challenge;
    const source = byHolder({ userId, clientId, sessionId }, call);
    const client = core.oauthClients.require(clientId);
    return { userId, client, by, isEnrolling: true, source, caller: { kind: "anonymous" } };
  }
  if (caller.kind !== "user") throw new NestError("access_denied");
  requireFresh(caller, now);
  const { userId, clientId, sessionId: by } = caller;
  const client = core.oauthClients.require(clientId);
  return { userId, client, by, isEnrolling: false, source: byCaller(caller, call), caller };
}
