import app from "#app";
import type { App, Client, OptionalGrant } from "#core/app/app.ts";
import { REDIRECT } from "#tests/support/nest.ts";

/** A client as an app file may define it, with a short name for its lifetime on every stage. */
type ClientChange = Partial<Omit<Client, "accessTokenLifetimeSeconds" | "grants" | "passwordMinLength">> & {
  lifetimeSeconds?: number;
  grants?: readonly OptionalGrant[];
  passwordMinLength?: number;
};

/** A client that people sign in with. */
export function clientWith({
  lifetimeSeconds = 3600,
  grants = [],
  passwordMinLength: least = 15,
  ...change
}: ClientChange): Client {
  return {
    id: "client_own",
    name: "Own",
    enabled: true,
    redirectUris: [REDIRECT],
    origins: [],
    checkoutUrls: [],
    accessTokenLifetimeSeconds: { local: lifetimeSeconds, nonprod: lifetimeSeconds, prod: lifetimeSeconds },
    mfa: { policy: "optional", factors: ["totp", "sms"] },
    passkeys: null,
    sessionMaxDays: null,
    grants: { local: grants, nonprod: grants, prod: grants },
    firstParty: grants.includes("password"),
    passwordMinLength: { local: least, nonprod: least, prod: least },
    registration: "open",
    registrationMode: "verify_first",
    userCode: false,
    emailSenders: [],
    emailTemplates: [],
    linkQuery: "token",
    addsBeforeProof: false,
    addedUserAnswer: "true",
    phoneCountries: [],
    cookies: { enabled: false, default: false },
    captcha: null,
    adapters: [],
    claims: {},
    sessionIdleDays: null,
    locale: "en",
    ...change,
  };
}

/** The app of this process with other clients. */
export const appWithClients = (...changes: ClientChange[]): App => ({
  ...app,
  clients: changes.map(clientWith),
});

/** The app of this process, whose clients' access tokens have another lifetime. */
export const appWithLifetime = (seconds: number): App => ({
  ...app,
  clients: app.clients.map((client) => ({
    ...client,
    accessTokenLifetimeSeconds: { local: seconds, nonprod: seconds, prod: seconds },
  })),
});
