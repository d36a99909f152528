import { issuer, oauthClients, rateLimiter, refreshKeys, signer } from "#core/parts.ts";
import { openParts } from "#entry/open_parts.ts";
import type { TestNest } from "#tests/support/nest.ts";

/** The core that `authenticate_user` runs with. */
export const openSignInCore = (nest: TestNest) =>
  openParts(nest.gateway, { issuer, oauthClients, rateLimiter, refreshKeys, signer });

export type SignInCore = ReturnType<typeof openSignInCore>;
type RepositoryName =
  | "accountMembers"
  | "accounts"
  | "accessTokens"
  | "auditLogs"
  | "authorizations"
  | "identifiers"
  | "oauthIdentities"
  | "refreshTokens"
  | "sessions"
  | "trials"
  | "users";

/** A core in which some methods of one repository are replaced. */
export function withMethods<Name extends RepositoryName>(
  core: SignInCore,
  name: Name,
  methods: Partial<SignInCore[Name]>,
): SignInCore {
  const repository = core[name];
  const get = (_object: object, property: string) => {
    const value = Reflect.get(methods, property) ?? Reflect.get(repository, property, repository);
    return typeof value === "function" ? value.bind(repository) : value;
  };
  return { ...core, [name]: new Proxy(repository, { get } as ProxyHandler<SignInCore[Name]>) };
}

/** Fails as the driver does when the database closes the connection. */
export async function loseConnection(): Promise<never> {
  throw Object.assign(new Error("the connection was lost"), { name: "MongoNetworkError" });
}
