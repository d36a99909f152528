import { optional } from "zod/mini";
import type { Call } from "#core/call.ts";
import { type ErrorCode, NestError } from "#core/errors.ts";
import { auditNow } from "#core/events/audit_row.ts";
import { signInFailed } from "#core/events/sign_in_events.ts";
import { type Authorization, FAILED_REDEMPTIONS_LIMIT } from "#core/repositories/authorizations.ts";
import type { TokenPair } from "#core/sessions/issue_session.ts";
import { signInToAccount } from "#core/sign_in/chosen_account.ts";
import { countFailures } from "#core/sign_in/failure_limit.ts";
import { type LinkGrantCore, signInWithLink } from "#core/sign_in/link_sign_in.ts";
import { redeemAuthorization } from "#core/sign_in/redeem_authorization.ts";
import { judgeRedemption, type PresentedCode, type RedemptionDecision } from "#core/sign_in/redemption.ts";
import { withFailureRecorded } from "#core/verifications/attempt.ts";
import { text } from "#core/wire.ts";

interface CodeRequest {
  client_id: string;
  redirect_uri?: string | undefined;
  code?: string | undefined;
  code_verifier?: string | undefined;
  /** Since 2026-12-01. */
  account_id?: string | undefined;
}

/** The code of a magic link (OAuth 2.1 section 4.1.3). */
export const authorizationCode = {
  grantType: "authorization_code",
  parameters: { redirect_uri: optional(text()), code: optional(text()), code_verifier: optional(text()) },
  redeem: redeemAuthorizationCode,
} as const;

/** The refusal of a correct code of a user who is no member of the account that the request names. */
const NO_MEMBER = { outcome: "refuse", code: "account_not_found", countsAsFailure: true } as const;

/**
 * Signs a user in with the code of a magic link. If the response was lost, the client repeats the request: once the first
 * call can no longer be running, it gets the same session and refresh token, until a token of the session is used
 * (contract 1.7). Every write can be repeated, so a resumed redemption runs all of them again.
 * @throws NestError code_missing, code_verifier_missing, redirect_uri_missing, malformed_code, not_found,
 *   token_not_found, token_used, authorization_not_found, token_expired, incorrect_client, incorrect_redirect_uri,
 *   incorrect_code_verifier, client_not_found, account_not_found, rate_limited, unavailable
 */
async function redeemAuthorizationCode(
  core: LinkGrantCore,
  request: CodeRequest,
  call: Call,
): Promise<TokenPair> {
  const presented = readCode(request);
  return countFailures(core, call, async () => {
    const now = core.clock.now();
    const found = await core.authorizations.find(presented.id);
    const decision = judgeRedemption(found, presented, now);
    if (decision.outcome === "refuse") throw await refuse(core, decision, { found, presented, call });
    const { clientId, identifierValue } = decision.authorization;
    const client = core.oauthClients.require(clientId);

    // A link must not be used up when no token can be signed.
    await core.signer.key();
    const recordFailure = () => core.authorizations.recordFailedRedemption(presented.id, now.toISOString());
    const { account_id: accountId } = request;
    const findIdentifier = () => core.identifiers.findActive("email", identifierValue);
    const recordRefusal = async () => {
      throw await refuse(core, NO_MEMBER, { found, presented, call });
    };
    const chosen = { accountId, findIdentifier, provesIdentifier: true, recordRefusal };
    return withFailureRecorded(recordFailure, () =>
      signInToAccount(core, chosen, call, async () => {
        const redeemed = await redeemAuthorization(core, decision, presented, { now, call });
        const { secret } = presented;
        return signInWithLink(core, redeemed, { client, secret, amr: ["link"], accountId, now, call });
      }),
    );
  });
}

/**
 * Returns the error of a refused redemption. A failure with the correct secret is counted before its response. Ten
 * failures get their own error, and the tenth blocks the link, even if more calls race (contract 1.7).
 */
async function refuse(
  core: LinkGrantCore,
  { code, countsAsFailure }: Extract<RedemptionDecision, { outcome: "refuse" }>,
  { found, presented, call }: { found: Authorization | null; presented: PresentedCode; call: Call },
): Promise<NestError> {
  if (!found || !countsAsFailure) return new NestError(code);
  const failures = await core.authorizations.countFailure(found);
  if (failures === FAILED_REDEMPTIONS_LIMIT)
    core.log.warn("link_blocked", { security_event: true, client_id: found.clientId });
  if (failures !== null) {
    await auditFailure(core, found, call, code);
    return new NestError(code);
  }
  const later = judgeRedemption(await core.authorizations.find(found._id), presented, core.clock.now());
  return new NestError(later.outcome === "refuse" ? later.code : "token_used");
}

/**
 * Adds a row about a failure to the audit log, if the address has a user. Only failures that are counted on the link get a
 * row, so a link has at most ten, and the limits of links bound them.
 */
async function auditFailure(
  core: LinkGrantCore,
  link: Authorization,
  call: Call,
  code: ErrorCode,
): Promise<void> {
  const identifier = await core.identifiers.findActive("email", link.identifierValue);
  if (!identifier) return;
  await auditNow(core, signInFailed(link, identifier, call, core.clock.now().toISOString()), code);
}

/**
 * Reads what a client presents to redeem a code.
 * @throws NestError code_missing, code_verifier_missing, redirect_uri_missing, malformed_code
 */
export function readCode({ client_id: clientId, code, ...request }: CodeRequest): PresentedCode {
  if (code === undefined) throw new NestError("code_missing");
  if (request.code_verifier === undefined) throw new NestError("code_verifier_missing");
  if (request.redirect_uri === undefined) throw new NestError("redirect_uri_missing");
  const [id, secret, ...rest] = code.split(".");
  if (!id || !secret || rest.length > 0) throw new NestError("malformed_code");
  return { id, secret, clientId, codeVerifier: request.code_verifier, redirectUri: request.redirect_uri };
}
