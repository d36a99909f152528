import { object, optional, string } from "zod/mini";
import { asJson, TOKENS } from "#adapters/service_authentication/answers.ts";
import { adapterRoute } from "#entry/adapter_declaration.ts";
import { handler as revokeToken } from "#methods/2026-12-01/sessions/revoke_token.ts";
import { handler as authenticateUser } from "#methods/2026-12-01/sign_in/authenticate_user.ts";

const BY_COOKIE = {
  verb: "GET",
  credential: "none",
  request: object({}),
  fields: {},
  toAnswer: asJson,
} as const;

const BY_BODY = {
  verb: "POST",
  credential: "none",
  request: object({ refresh_token: optional(string()) }),
  isBodyOptional: true,
  fields: { refresh_token: "The refresh token. Default: the refresh token in the cookie." },
  toAnswer: asJson,
} as const;

const REFRESH = {
  path: "/token/refresh",
  method: authenticateUser,
  answer: TOKENS,
  errors: { refresh_token_missing: "There is no refresh token, neither in a cookie nor in the body." },
} as const;

const REVOKE = {
  path: "/token/revoke",
  method: revokeToken,
  answer:
    "An empty object. The cookies are removed. A token that is wrong or expired gets the same response.",
  errors: {},
} as const;

const refreshes = (client_id: string, refresh_token?: string) => ({
  ...{ client_id, grant_type: "refresh_token", refresh_token },
});

/** Refreshing and revoking tokens. */
export const tokenRoutes = [
  adapterRoute({
    ...{ ...BY_COOKIE, ...REFRESH },
    summary: "Issues new tokens for the refresh token in the cookie.",
    toMethod: (_asked, client_id) => refreshes(client_id),
  }),
  adapterRoute({
    ...{ ...BY_BODY, ...REFRESH },
    summary: "Issues new tokens for a refresh token.",
    toMethod: ({ refresh_token }, client_id) => refreshes(client_id, refresh_token),
  }),
  adapterRoute({
    ...{ ...BY_COOKIE, ...REVOKE },
    summary: "Logs out: revokes the refresh token in the cookie with its session.",
    toMethod: (_asked, client_id) => ({ client_id }),
  }),
  adapterRoute({
    ...{ ...BY_BODY, ...REVOKE },
    summary: "Logs out: revokes a refresh token with its session.",
    toMethod: ({ refresh_token }, client_id) => ({ client_id, refresh_token }),
  }),
];
