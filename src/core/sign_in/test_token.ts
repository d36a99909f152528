import type { Call, Caller } from "#core/call.ts";
import type { OAuthClients } from "#core/clients/oauth_clients.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { type AuditCore, auditNow } from "#core/events/audit_row.ts";
import { byCaller } from "#core/events/event_source.ts";
import { signedIn } from "#core/events/sign_in_events.ts";
import { newId } from "#core/ids.ts";
import type { Grant } from "#core/repositories/access_tokens.ts";
import type { Device } from "#core/repositories/authorizations.ts";
import { purgeAfter } from "#core/retention.ts";
import { mintAccessToken, type TokenMint } from "#core/sessions/access_token.ts";
import type { TokenPair } from "#core/sessions/issue_session.ts";
import { mayNotSignIn } from "#core/sessions/session_state.ts";
import {
  type AccessIssue,
  accessTokenRecord,
  claimSources,
  sessionRecord,
} from "#core/sessions/token_records.ts";
import { settleAll } from "#core/settle.ts";

type TestTokenCore = TokenMint &
  AuditCore &
  Pick<Core, "accessTokens" | "clock" | "log" | "sessions" | "stage" | "users"> & {
    oauthClients: OAuthClients;
  };

/** What an internal caller wants a token for. */
export interface TestTokenRequest {
  clientId: string;
  userId: string;
  device: Device | null;
  deviceId: string;
  /** Seconds; undefined: as long as the client's tokens. */
  lifetimeSeconds: number | undefined;
}

/** A token response without a refresh token. */
export type TestToken = Omit<TokenPair, "refreshToken">;

/**
 * Issues an access token to a test without a sign-in. Its session ends with it, because it can't be refreshed. It counts
 * as no sign-in: trials, devices and mails do not learn of it. Each call starts another session.
 * @throws NestError method_disabled in production; access_denied, client_not_found, user_not_found, unavailable
 */
export async function issueTestToken(
  core: TestTokenCore,
  { clientId, userId, device, deviceId, lifetimeSeconds }: TestTokenRequest,
  caller: Caller,
  call: Call,
): Promise<TestToken> {
  if (core.stage === "prod") throw new NestError("method_disabled");
  if (caller.kind !== "internal") throw new NestError("access_denied");
  const found = core.oauthClients.require(clientId);
  const user = await core.users.find(userId);
  if (!user || mayNotSignIn(user)) throw new NestError("user_not_found");
  const client = {
    ...found,
    accessTokenLifetimeSeconds: lifetimeSeconds ?? found.accessTokenLifetimeSeconds,
  };
  const now = core.clock.now();
  const at = now.toISOString();
  const rootGrant: Grant = { type: "issue_token", value: caller.key.name };
  const issue: AccessIssue = {
    ...{ client, userId, device, deviceId, sessionId: newId("session"), startedAt: at },
    ...{ authTime: at, amr: ["test"], generation: 1, grant: rootGrant, rootGrant },
    ...{ accessTokenId: newId("accessToken"), now, call },
  };
  const source = { ...byCaller(caller, call), clientId };
  const token = await issueWithoutRefresh(core, issue);
  await auditNow(core, signedIn({ userId, sessionId: issue.sessionId, grant: rootGrant }, source, at));
  core.log.info("test_token_issued", { user_id: userId, client_id: clientId, session_id: issue.sessionId });
  return token;
}

async function issueWithoutRefresh(core: TestTokenCore, issue: AccessIssue): Promise<TestToken> {
  const record = accessTokenRecord(issue);
  const { expiresAt } = record;
  const session = { ...sessionRecord(issue), expiresAt, purgeAt: purgeAfter(new Date(expiresAt)) };
  const { authTime, amr } = issue;
  const [accessToken] = await settleAll([
    mintAccessToken(core, record, claimSources(issue), { authTime, amr }),
    core.sessions.insertIfAbsent(session),
    core.accessTokens.insertOrExtend(record),
  ]);
  return {
    accessToken,
    expiresIn: Math.round((Date.parse(expiresAt) - issue.now.getTime()) / 1000),
    expiresAt,
    userId: issue.userId,
    clientId: issue.client.id,
    sessionId: issue.sessionId,
    ...{ authTime, amr },
  };
}
