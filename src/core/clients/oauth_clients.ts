import type { Client, OptionalGrant, Stage } from "#core/app/app.ts";
import { type RelyingParty, relyingPartyOf } from "#core/app/passkey_settings.ts";
import { NestError } from "#core/errors.ts";

/** An OAuth client of the app, as one stage has it. */
export interface OAuthClient
  extends Omit<Client, "accessTokenLifetimeSeconds" | "grants" | "passwordMinLength" | "passkeys"> {
  accessTokenLifetimeSeconds: number;
  grants: readonly OptionalGrant[];
  passwordMinLength: number;
  /** Where users make and use passkeys; null: nowhere. */
  passkeys: RelyingParty | null;
}

const isLoopbackName = (hostname: string) => ["localhost", "127.0.0.1", "[::1]"].includes(hostname);
/** Accepts a page of a client. @throws NestError invalid_redirect_uri */
export function requireRedirectUri({ redirectUris }: Pick<Client, "redirectUris">, asked: string): string {
  if (!redirectUris.includes(asked)) throw new NestError("invalid_redirect_uri");
  return asked;
}

/** Whether a URL is on the machine of its reader. */
export const isLoopback = (url: string): boolean => isLoopbackName(new URL(url).hostname);

/** The OAuth clients of this deployment. Pages on a developer's machine may call the stage `local` only. */
export class OAuthClients {
  readonly #landingOrigin: string | null;
  readonly #byId: ReadonlyMap<string, OAuthClient>;

  /** @param landing the page that the links of mails open. It may call the API, to end a session that its user disowns */
  constructor(clients: readonly Client[], stage: Stage, landing: string | null = null) {
    this.#landingOrigin = landing === null ? null : new URL(landing).origin;
    this.#byId = new Map(
      clients.map(
        ({ accessTokenLifetimeSeconds, grants, passwordMinLength, captcha, passkeys, ...client }) => [
          client.id,
          {
            ...client,
            origins: client.origins.filter((origin) => stage === "local" || !isLoopback(origin)),
            accessTokenLifetimeSeconds: accessTokenLifetimeSeconds[stage],
            grants: grants[stage],
            passwordMinLength: passwordMinLength[stage],
            passkeys: relyingPartyOf(passkeys, stage),
            captcha: captcha && {
              ...captcha,
              hostnames: captcha.hostnames.filter((name) => stage === "local" || !isLoopbackName(name)),
            },
          },
        ],
      ),
    );
  }

  /** Every client, disabled clients included. */
  list(): OAuthClient[] {
    return [...this.#byId.values()];
  }

  /** The enabled client with this id, or null. A disabled client counts as unknown. */
  find(id: string): OAuthClient | null {
    const client = this.#byId.get(id);
    return client?.enabled ? client : null;
  }

  /** @throws NestError client_not_found */
  require(id: string): OAuthClient {
    const client = this.find(id);
    if (!client) throw new NestError("client_not_found");
    return client;
  }

  /** @throws NestError client_not_found; grant_not_allowed if the client does not list the grant */
  requireGrant(id: string, grant: OptionalGrant): OAuthClient {
    const client = this.require(id);
    if (!client.grants.includes(grant)) throw new NestError("grant_not_allowed");
    return client;
  }

  /** The enabled clients that list an adapter. */
  ofAdapter(name: string): OAuthClient[] {
    const enabled = [...this.#byId.values()].filter((client) => client.enabled);
    return enabled.filter(({ adapters }) => (adapters as readonly string[]).includes(name));
  }

  /** Whether the origin belongs to an enabled client with cookies, so that its pages may send cookies to the API. */
  allowsCookies(origin: string): boolean {
    return [...this.#byId.values()].some(
      ({ enabled, cookies, origins }) => enabled && cookies.enabled && origins.includes(origin),
    );
  }

  /** Whether the origin belongs to an enabled client, so that its pages may call the API. */
  allowsOrigin(origin: string): boolean {
    if (origin === this.#landingOrigin) return true;
    return [...this.#byId.values()].some((client) => client.enabled && client.origins.includes(origin));
  }
}
