import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { derivedIdOf, newId } from "#core/ids.ts";
import type { OAuthState } from "#core/repositories/oauth_states.ts";
import type { Redemption } from "#core/repositories/redeemable.ts";
import { newDerivation } from "#core/sessions/refresh_token.ts";
import type { GrantCore } from "#core/sign_in/grants/grant_core.ts";
import type { NamedVisit } from "#core/sign_in/oauth/ensure_linked.ts";
import { type RedemptionDecision, refusalToResume } from "#core/sign_in/redemption.ts";

type RedeemCore = GrantCore & Pick<Core, "oauthStates" | "users">;

/** A visit whose code this call redeems or resumes. */
export interface RedeemedVisit {
  visit: NamedVisit;
  redemption: Redemption;
}

/** The id of the session that a visit starts. It is the same for every call. */
export const sessionIdOf = ({ _id }: Pick<OAuthState, "_id">): string => derivedIdOf(_id, "session");

/**
 * Uses the code of a visit, or resumes its use. One of any number of simultaneous calls gets it.
 * @throws NestError token_used, authorization_not_found
 */
export async function redeemVisit(
  core: RedeemCore,
  decision: Exclude<RedemptionDecision<OAuthState>, { outcome: "refuse" }>,
  now: Date,
): Promise<RedeemedVisit> {
  const { authorization: visit } = decision;
  if (decision.outcome === "resume") {
    const { redemption } = decision;
    await requireResumable(core, redemption);
    const resumed = await core.oauthStates.resume(visit._id, redemption.startedAt, now.toISOString());
    return requireRedeemed(resumed, redemption);
  }
  const redemption: Redemption = {
    ...{ sessionId: sessionIdOf(visit), accessTokenId: newId("accessToken") },
    ...{ refreshTokenId: newId("refreshToken"), ...newDerivation(core.refreshKeys) },
    startedAt: now.toISOString(),
  };
  return requireRedeemed(await core.oauthStates.redeem(visit._id, redemption), redemption);
}

/** @throws NestError token_used if another call was first */
function requireRedeemed(visit: OAuthState | null, redemption: Redemption): RedeemedVisit {
  if (!visit?.identity) throw new NestError("token_used");
  return { visit: { ...visit, identity: visit.identity }, redemption };
}

/** @throws NestError token_used, authorization_not_found */
async function requireResumable(core: RedeemCore, { sessionId, refreshTokenId }: Redemption): Promise<void> {
  const [session, refreshToken] = await Promise.all([
    core.sessions.find(sessionId),
    core.refreshTokens.find(refreshTokenId),
  ]);
  const user = session && (await core.users.find(session.userId));
  // The account at the provider takes the place of the identifier; it is judged again when the session is issued.
  const refusal = refusalToResume({ session, refreshToken, identifier: session, user });
  if (refusal) throw new NestError(refusal);
}
