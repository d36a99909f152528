import type { OAuthClients } from "#core/clients/oauth_clients.ts";
import type { Core } from "#core/core.ts";
import type { RefreshKeys } from "#core/keys/refresh_keys.ts";
import type { RateLimiter } from "#core/rate_limits/rate_limiter.ts";
import type { IssueCore } from "#core/sessions/issue_session.ts";

/** The dependencies of every grant. */
export type GrantCore = IssueCore &
  Pick<Core, "clock" | "log" | "mfaChallenges" | "mfaFactors"> & {
    oauthClients: OAuthClients;
    rateLimiter: RateLimiter;
    refreshKeys: RefreshKeys;
  };
