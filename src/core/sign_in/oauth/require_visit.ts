import type { Call } from "#core/call.ts";
import type { Core } from "#core/core.ts";
import { type ErrorCode, NestError } from "#core/errors.ts";
import { type AuditCore, auditNow } from "#core/events/audit_row.ts";
import { signInFailed } from "#core/events/sign_in_events.ts";
import { newUserIdOf } from "#core/oauth/visit_outcome.ts";
import type { OAuthState } from "#core/repositories/oauth_states.ts";
import { matchesHash } from "#core/secrets.ts";
import { judgeProved, type PresentedCode, type RedemptionDecision } from "#core/sign_in/redemption.ts";

export type VisitCodeCore = AuditCore & Pick<Core, "clock" | "oauthStates">;

/**
 * Finds the visit of a code, and decides what happens to it. A failure with the correct secret is counted before its response.
 * @param intent a code of the intent `link` signs nobody in, and a code of `sign_in` links no account
 * @throws NestError not_found, token_not_found, token_used, token_expired, authorization_not_found, incorrect_client,
 *   incorrect_redirect_uri, incorrect_code_verifier
 */
export async function requireVisit(
  core: VisitCodeCore,
  presented: PresentedCode,
  { intent, call }: { intent: OAuthState["intent"]; call: Call },
): Promise<Exclude<RedemptionDecision<OAuthState>, { outcome: "refuse" }>> {
  const found = await core.oauthStates.find(presented.id);
  if (!found?.key || found.intent !== intent) throw new NestError("not_found");
  if (!matchesHash(presented.secret, found.key)) throw new NestError("token_not_found");
  const decision = judgeProved(found, presented, core.clock.now());
  if (decision.outcome !== "refuse") return decision;
  if (decision.countsAsFailure) await countRefusal(core, found, { call, code: decision.code });
  throw new NestError(decision.code);
}

/**
 * Counts a redemption with the correct secret that was refused. Only counted ones get a row in the audit log, so a code has at most ten.
 */
export async function countRefusal(
  core: VisitCodeCore,
  visit: OAuthState,
  { call, code }: { call: Call; code: ErrorCode },
): Promise<void> {
  const isCounted = await core.oauthStates.countFailure(visit);
  const { userId } = visit;
  if (!isCounted || userId === null || userId === newUserIdOf(visit)) return;
  await auditNow(core, signInFailed(visit, { userId }, call, core.clock.now().toISOString()), code);
}
