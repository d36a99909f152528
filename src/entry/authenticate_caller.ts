import type { Caller } from "#core/call.ts";
import { NestError } from "#core/errors.ts";
import { findInternalKey, permits } from "#core/keys/internal_key.ts";
import { type AccessTokenClaims, unauthorized, verifyAccessToken } from "#core/sessions/access_token.ts";
import type { Cookies } from "#entry/cookies.ts";
import type { RpcCore } from "#entry/declaration.ts";

/** A caller whose credential has a valid signature. A bearer token's record and session are not checked yet. */
export interface Credential {
  caller: Caller;
  claims: AccessTokenClaims | null;
}

const ANONYMOUS: Credential = { caller: { kind: "anonymous" }, claims: null };

type CredentialCore = Pick<RpcCore, "clock" | "internalKeys" | "issuer" | "oauthClients" | "verifyingKeys">;

/** Where a caller's credential can be. */
interface Presented {
  /** The authorization header; null: none. */
  header: string | null;
  /** null: the method needs no access token, so that an expired one in a cookie refuses nothing. */
  cookies: Cookies | null;
  /** Whether anybody may call: then a cookie that a page of another origin sent counts as none. */
  isOptional: boolean;
}

/**
 * Verifies the authorization header, which any method accepts (contract A9). Without a header, verifies the access token in
 * a cookie.
 * @throws NestError unauthorized for an invalid access token; access_denied for a wrong internal key, and, unless anybody
 *   may call, for a cookie that a page of another origin sent; malformed_json for a cookie with another content type
 */
export async function authenticateCaller(
  core: CredentialCore,
  { header, cookies, isOptional }: Presented,
): Promise<Credential> {
  if (header === null)
    return authenticateByCookie(core, cookies).catch((error: unknown) => {
      if (isOptional && error instanceof NestError && error.code === "access_denied") return ANONYMOUS;
      throw error;
    });
  const [scheme = "", credential = "", ...rest] = header.split(" ");
  if (scheme === "" || credential === "" || rest.length > 0) throw unauthorized("malformed_token");
  switch (scheme.toLowerCase()) {
    case "bearer": {
      return asUser(await verifyAccessToken(core, credential));
    }
    case "internal": {
      const key = findInternalKey(credential, core.internalKeys);
      if (!key) throw new NestError("access_denied", { detail: "wrong internal key" });
      return { caller: { kind: "internal", key }, claims: null };
    }
    default:
      throw unauthorized("unknown_token_type");
  }
}

function asUser(claims: AccessTokenClaims): Credential {
  const { userId, clientId, sessionId } = claims;
  return { caller: { kind: "user", userId, clientId, sessionId }, claims };
}

async function authenticateByCookie(core: CredentialCore, cookies: Cookies | null): Promise<Credential> {
  const token = cookies?.accessToken(core.oauthClients) ?? null;
  if (token === null) return ANONYMOUS;
  const claims = await verifyAccessToken(core, token);
  cookies?.requirePageOf(core.oauthClients.find(claims.clientId));
  return asUser(claims);
}

/**
 * Checks that an internal caller's key permits the method (contract 1.7, Operations).
 * @throws NestError access_denied
 */
export function requirePermission(caller: Caller, method: string): void {
  if (caller.kind === "internal" && !permits(caller.key, method))
    throw new NestError("access_denied", { detail: "the internal key does not list this method" });
}
