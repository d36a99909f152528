import { ADAPTERS, type AdapterName, type App, type Client, type EmailTemplate } from "#core/app/app.ts";
import { HOUR } from "#core/clock.ts";

/** The sample clients of the local stack, by the name that `/dev/status` gives them. No deployed stage has them. */
export const SAMPLE_CLIENT_IDS = {
  /** An installed program. */
  native: "client_sample_native",
  /** Pages in a browser. */
  web: "client_sample_web",
  /** The least rules: immediate registration, passwords of six characters. */
  simple: "client_sample_simple",
} as const;

/** Whether a client is one of the sample clients. */
export const isSample = ({ id }: Pick<Client, "id">): boolean =>
  Object.values<string>(SAMPLE_CLIENT_IDS).includes(id);

/** The sample client of each adapter. Its programs send no client id. */
export const ADAPTER_CLIENT_IDS: Readonly<Record<AdapterName, string>> = {
  beep: "client_sample_beep",
  service_authentication: "client_sample_service_authentication",
  static_backend: "client_sample_static_backend",
};

/** The app's own client of an adapter, which replaces the sample; undefined: the sample is used. */
const ownClient = ({ clients }: Pick<App, "clients">, adapter: AdapterName): Client | undefined =>
  clients.find(({ enabled, adapters }) => enabled && adapters.includes(adapter));

/** The id of the client of an adapter on the local stack: that of the app's own client, or of the sample. @param app without samples */
export const adapterClientId = (app: Pick<App, "clients">, adapter: AdapterName): string =>
  ownClient(app, adapter)?.id ?? ADAPTER_CLIENT_IDS[adapter];

/** The mails of StaticBackend's own examples, so that these examples work. */
const STATIC_BACKEND_MAILS: readonly EmailTemplate[] = [
  { fromEmail: "my@app.com", body: "<p>Click [link]</p>" },
  {
    fromEmail: "my@app.com",
    fromName: "My app name",
    subject: "Your sign-in link for Our Awesome App",
    body: "<p>Hello there,</p><p>Click here to sign-in<br />[link]</p>",
  },
];

/** Providers of an app that has none, so that every method can be tried. The double stands in for them. */
const SAMPLE_PROVIDERS: App["oauthProviders"] = [
  { id: "google", name: "Google", preset: "google" },
  { id: "apple", name: "Apple", preset: "apple" },
  { id: "github", name: "GitHub", preset: "github" },
  { id: "microsoft", name: "Microsoft", preset: "microsoft" },
];

/** Where a stack serves the console, which signs in with the client `web`. */
export const CONSOLE_PATH = "/console";

/** Where `npm start` listens unless it is told otherwise. */
const LOCAL_URL = "http://localhost:3000";

/** An origin that no example uses, so that examples with a missing origin still fail. */
const WEB_ORIGIN = "http://localhost:5174";

/**
 * Adds the sample clients to an app, for the local stack and for tests. They can do on the stage `local` what a client can
 * do at all, so that every method can be tried; on other stages they have no grants.
 * @param stackUrl the URL of a local stack, whose own pages are pages of `web` then
 */
export function withSampleClients(app: App, stackUrl?: string): App {
  const { native, web, simple } = SAMPLE_CLIENT_IDS;
  // A browser makes no passkeys for an IP address.
  const passkeyOrigins = [WEB_ORIGIN, ...(stackUrl === undefined ? [] : [stackUrl])];
  const sample = (id: string, name: string): Client => ({
    ...{ id, name, enabled: true, firstParty: true, locale: app.locales[0] },
    ...{ redirectUris: [app.urls.landing], origins: [], checkoutUrls: [app.urls.site] },
    accessTokenLifetimeSeconds: { local: 3600, nonprod: 3600, prod: 3600 },
    ...{ sessionMaxDays: null, sessionIdleDays: null },
    grants: { local: ["otp", "otp_link", "password", "mfa", "webauthn"], nonprod: [], prod: [] },
    passwordMinLength: { local: 15, nonprod: 15, prod: 15 },
    ...{ registration: "open", registrationMode: "verify_first" },
    phoneCountries: ["GB", "DE", "SG"],
    ...{ cookies: { enabled: false, default: false }, captcha: null },
    mfa: { policy: "optional", factors: ["totp", "sms", "email", "webauthn"] },
    passkeys: { rpId: { local: "localhost", nonprod: null, prod: null }, origins: passkeyOrigins },
    ...{ userCode: id === native, emailSenders: ["hello@acme.example"] },
    ...{ emailTemplates: [], linkQuery: "token", addsBeforeProof: false, addedUserAnswer: "true" },
    ...{ adapters: [], claims: {} },
  });
  // The APIs of the adapters can't ask for a second factor.
  const adapterGrants: Client["grants"] = {
    ...{ local: ["otp", "otp_link", "password"], nonprod: [], prod: [] },
  };
  const ofAdapters: Record<AdapterName, Client> = {
    beep: {
      ...{ ...sample(ADAPTER_CLIENT_IDS.beep, "Sample: adapter beep"), adapters: ["beep"] },
      grants: adapterGrants,
      ...{ claims: { userid: "sub", clientid: "device_id" }, origins: [WEB_ORIGIN] },
    },
    service_authentication: {
      ...sample(ADAPTER_CLIENT_IDS.service_authentication, "Sample: adapter service_authentication"),
      ...{ adapters: ["service_authentication"], origins: [WEB_ORIGIN], registrationMode: "immediate" },
      passwordMinLength: { local: 6, nonprod: 15, prod: 15 },
      ...{ linkQuery: "path", cookies: { enabled: true, default: true } },
      redirectUris: [
        `${stackUrl ?? LOCAL_URL}/service_authentication`,
        ...SAMPLE_PROVIDERS.map(
          ({ id }) => `${stackUrl ?? LOCAL_URL}/service_authentication/oauth/${id}/callback`,
        ),
        `${WEB_ORIGIN}/`,
      ],
    },
    static_backend: {
      ...sample(ADAPTER_CLIENT_IDS.static_backend, "Sample: adapter static_backend"),
      grants: adapterGrants,
      ...{ adapters: ["static_backend"], origins: [WEB_ORIGIN], registrationMode: "immediate" },
      addsBeforeProof: true,
      accessTokenLifetimeSeconds: { local: 12 * HOUR, nonprod: 3600, prod: 3600 },
      passwordMinLength: { local: 6, nonprod: 15, prod: 15 },
      ...{ linkQuery: "code_and_email", redirectUris: ["https://ourapp.com/magic-custom-url"] },
      ...{ emailSenders: ["my@app.com"], emailTemplates: STATIC_BACKEND_MAILS },
    },
  };
  return {
    ...app,
    oauthProviders: app.oauthProviders.length > 0 ? app.oauthProviders : SAMPLE_PROVIDERS,
    clients: [
      ...app.clients,
      ...ADAPTERS.filter((name) => ownClient(app, name) === undefined).map((name) => ofAdapters[name]),
      sample(native, "Sample: installed"),
      {
        ...{ ...sample(simple, "Sample: simple"), registrationMode: "immediate" },
        passwordMinLength: { local: 6, nonprod: 15, prod: 15 },
      },
      {
        ...sample(web, "Sample: browser"),
        redirectUris: [`${WEB_ORIGIN}/`, ...originsOf(stackUrl).map((origin) => origin + CONSOLE_PATH)],
        origins: [WEB_ORIGIN, ...originsOf(stackUrl)],
        cookies: { enabled: true, default: true },
      },
    ],
  };
}

/** The origins at which a browser may open the page of a stack. */
const originsOf = (stackUrl: string | undefined) =>
  stackUrl === undefined ? [] : [stackUrl, stackUrl.replace("//localhost:", "//127.0.0.1:")];
