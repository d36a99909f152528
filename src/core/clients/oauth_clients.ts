import {
  array,
  boolean,
  maximum,
  minimum,
  minLength,
  nullable,
  number,
  optional,
  type output,
  refine,
  strictObject,
  string,
} from "zod/mini";
import { integer, json } from "#core/config.ts";
import { NestError } from "#core/errors.ts";
import { text } from "#core/wire.ts";

const isUrl = (value: string) => URL.canParse(value);

const oauthClient = strictObject({
  id: text(),
  name: text(),
  enabled: boolean(),
  /** Without query and fragment: code and state are added as the query. */
  redirectUris: array(string().check(refine((value) => isUrl(value) && !/[?#]/.test(value)))),
  /** Origins of browser pages that may call the API. */
  origins: array(string().check(refine((value) => isUrl(value) && new URL(value).origin === value))),
  /** Seconds. */
  accessTokenLifetime: number().check(minimum(300), maximum(864_000)),
  /** Days after which a user must sign in again; null: never. */
  sessionMaxDays: nullable(number().check(minimum(1), maximum(3650))),
});

export type OAuthClient = output<typeof oauthClient>;

const oauthClients = array(oauthClient).check(
  minLength(1),
  refine((clients) => new Set(clients.map(({ id }) => id)).size === clients.length),
);

export const oauthClientVariables = {
  DESKTOP_ACCESS_TOKEN_LIFETIME: optional(integer(300, 864_000)),
  CLIENTS: optional(json(oauthClients)),
};

const DESKTOP_REDIRECT_URIS = ["https://magic.getbeak.app/", "https://magic.getbeak.app/callback"];

/** Beak's clients (contract C11). A deployment with other clients sets `CLIENTS`. */
function beakClients(desktopAccessTokenLifetime: number): OAuthClient[] {
  const desktop = (id: string, name: string): OAuthClient => ({
    id,
    name,
    enabled: true,
    redirectUris: DESKTOP_REDIRECT_URIS,
    origins: [],
    accessTokenLifetime: desktopAccessTokenLifetime,
    sessionMaxDays: null,
  });
  return [
    desktop("client_000000C2kdCzNlbL1BqR5FeMatItU", "Beak for macOS"),
    desktop("client_000000CAixjPMTECPznenOM8rKRxQ", "Beak for Linux"),
    desktop("client_000000CAixkP7YVb0cH1zvNfE5mYi", "Beak for Windows"),
    {
      id: "client_000000C7zCx1DUI536pOmMUFPbnPc",
      name: "Beak for the web",
      enabled: false,
      redirectUris: ["https://rio.getbeak.app/"],
      origins: ["https://rio.getbeak.app"],
      accessTokenLifetime: 3600,
      sessionMaxDays: null,
    },
  ];
}

/** The OAuth clients of this deployment. */
export class OAuthClients {
  readonly #byId: ReadonlyMap<string, OAuthClient>;

  constructor(config: {
    DESKTOP_ACCESS_TOKEN_LIFETIME?: number | undefined;
    CLIENTS?: OAuthClient[] | undefined;
  }) {
    const clients = config.CLIENTS ?? beakClients(config.DESKTOP_ACCESS_TOKEN_LIFETIME ?? 3600);
    this.#byId = new Map(clients.map((client) => [client.id, client]));
  }

  /** The enabled client with this id, or null. A disabled client counts as unknown. */
  find(id: string): OAuthClient | null {
    const client = this.#byId.get(id);
    return client?.enabled ? client : null;
  }

  /** Every client, including disabled clients; for the operator CLI. */
  all(): OAuthClient[] {
    return [...this.#byId.values()];
  }

  /** @throws NestError client_not_found */
  require(id: string): OAuthClient {
    const client = this.find(id);
    if (!client) throw new NestError("client_not_found");
    return client;
  }

  /** Whether the origin belongs to an enabled client, so that its pages may call the API. */
  allowsOrigin(origin: string): boolean {
    return [...this.#byId.values()].some((client) => client.enabled && client.origins.includes(origin));
  }
}
