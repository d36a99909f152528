import type { Call } from "#core/call.ts";
import type { OAuthClient } from "#core/clients/oauth_clients.ts";
import { NestError } from "#core/errors.ts";
import { newId } from "#core/ids.ts";
import type { Grant } from "#core/repositories/access_tokens.ts";
import { type Authorization, FAILED_REDEMPTIONS_LIMIT } from "#core/repositories/authorizations.ts";
import { matchesHash } from "#core/secrets.ts";
import { allOver, type SignInCore, startSession } from "#core/sessions/start_session.ts";
import type { TokenPair } from "#core/sessions/token_pair.ts";
import { countFailures } from "#core/sign_in/failure_limit.ts";
import { findLostRedemption, undoRedemption } from "#core/sign_in/lost_redemption.ts";
import { firstMismatch, type PresentedCode } from "#core/sign_in/presented_code.ts";
import { ensureUser } from "#core/users/sign_in_user.ts";

export interface CodeGrant {
  clientId: string;
  code: string | undefined;
  codeVerifier: string | undefined;
  redirectUri: string | undefined;
}

interface Spending {
  client: OAuthClient;
  secret: string;
  /** When an earlier redemption spent the link and came to nothing. */
  lostAt: string | null;
  now: Date;
  call: Call;
}

/**
 * Signs a person in with the code of a mailed link (OAuth 2.1 section 4.1.3; order of checks: contract B3).
 * @throws NestError code_missing, code_verifier_missing, redirect_uri_missing, malformed_code, not_found,
 *   token_not_found, token_used, authorization_not_found, token_expired, incorrect_client, incorrect_redirect_uri,
 *   incorrect_code_verifier, client_not_found, rate_limited
 */
export async function redeemAuthorizationCode(
  core: SignInCore,
  grant: CodeGrant,
  call: Call,
): Promise<TokenPair> {
  if (grant.code === undefined) throw new NestError("code_missing");
  if (grant.codeVerifier === undefined) throw new NestError("code_verifier_missing");
  if (grant.redirectUri === undefined) throw new NestError("redirect_uri_missing");
  const presented: PresentedCode = {
    clientId: grant.clientId,
    codeVerifier: grant.codeVerifier,
    redirectUri: grant.redirectUri,
  };
  const { id, secret } = splitCode(grant.code);
  return countFailures(core, call, async (withinLimit) => {
    const [found] = await Promise.all([core.authorizations.find(id), withinLimit]);
    const now = core.clock.now();
    const lostAt = await findLostRedemption(core, found, secret, presented, now);
    requireRedeemable(found, secret, now, lostAt);
    const mismatch = firstMismatch(found, presented);
    if (mismatch) {
      await core.authorizations.countFailure(id);
      throw new NestError(mismatch);
    }
    const client = core.oauthClients.require(found.clientId);

    // What can't be signed must not be spent.
    await core.signer.key();
    return spend(core, found, { client, secret, lostAt, now, call });
  });
}

/** Spends a link that was found good and signs its reader in; if that comes to nothing, the link can be used again. */
async function spend(
  core: SignInCore,
  found: Authorization,
  { client, secret, lostAt, now, call }: Spending,
): Promise<TokenPair> {
  const { _id: id, identifierValue, trialId } = found;
  const sessionId = newId("session");
  try {
    const [redeemed, known] = await allOver([
      core.authorizations.redeem(id, sessionId, now.toISOString(), lostAt),
      core.identifiers.findActive("email", identifierValue),
      // Where there is no trial this leaves no trace, so it is over before anything is written that does.
      core.trials.recordSignIn(identifierValue, trialId, now.toISOString()),
    ]);
    if (!redeemed) {
      // Another request was faster: to spend it, to revoke it, or to fail once too often.
      requireRedeemable(await core.authorizations.find(id), secret, now);
      throw new NestError("token_used");
    }
    const identifier = await ensureUser(core, identifierValue, known, now.toISOString());
    const rootGrant: Grant = { type: "authorization_code", value: id };
    const { userId } = identifier;
    const sessionCreatedAt = now.toISOString();
    const issue = { client, userId, sessionId, sessionCreatedAt, generation: 1, now, call };
    const pair = await startSession(core, redeemed, identifier, { ...issue, grant: rootGrant, rootGrant });
    if (Date.now() >= call.deadline) throw new NestError("unavailable", { detail: "too late to answer" });
    core.log.info("signed_in", { user_id: userId, client_id: client.id, session_id: sessionId });
    return pair;
  } catch (error) {
    const isRefused = error instanceof NestError && error.status < 500;
    if (!isRefused) await undoRedemption(core, id, sessionId);
    throw error;
  }
}

function splitCode(code: string): { id: string; secret: string } {
  const [id, secret, ...rest] = code.split(".");
  if (!id || !secret || rest.length > 0) throw new NestError("malformed_code");
  return { id, secret };
}

function requireRedeemable(
  found: Authorization | null,
  secret: string,
  now: Date,
  lostAt: string | null = null,
): asserts found is Authorization {
  if (!found) throw new NestError("not_found");
  if (!matchesHash(secret, found.key)) throw new NestError("token_not_found");
  // From here the caller has shown the key, so naming the failed check gives nothing away.
  if (found.usedAt && found.usedAt !== lostAt) throw new NestError("token_used");
  if (found.revokedAt || found.failedRedemptions >= FAILED_REDEMPTIONS_LIMIT)
    throw new NestError("authorization_not_found");
  if (found.expiresAt <= now.toISOString()) throw new NestError("token_expired");
}
