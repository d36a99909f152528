import { expect, test } from "vitest";
import app from "#app";
import { appFolder, loadApp } from "#app/load_app.ts";
import { type AppSettings, defineApp } from "#core/app/define_app.ts";
import { AppError, readApp } from "#core/app/read_app.ts";

const FILE = "app/acme/app.ts";

const PRICE = { priceId: "price_acme", productId: "prod_acme" };

const NONE = { local: null, nonprod: null, prod: null };

const CLIENT = { id: "acme_web", name: "Acme", redirectUris: ["https://acme.example/sign-in"] };

const settings = {
  name: "Acme",
  emoji: "",
  addresses: { support: "help@acme.example", security: "security@acme.example" },
  urls: {
    site: "https://acme.example/",
    landing: "https://acme.example/sign-in",
    api: { nonprod: "https://nest.test.acme.example", prod: "https://nest.acme.example" },
  },
  colors: { accent: "#0f766e", onAccent: "#ffffff", accentDark: "#5eead4", onAccentDark: "#0b1220" },
  logo: "logo.svg",
  locales: ["en", "fr"],
  signOff: { en: "The Acme team", fr: "L’équipe Acme" },
  mail: { from: "Acme <no-reply@acme.example>" },
  clients: [CLIENT],
  plans: [
    {
      id: "pro",
      name: { en: "Acme Pro", fr: "Acme Pro" },
      prices: { local: PRICE },
      interval: "month",
      amount: { currency: "eur", unitAmount: 900 },
    },
  ],
} satisfies AppSettings;

type Path = readonly (string | number)[];

/** The settings with one value replaced; `undefined` removes it. */
function changed(path: Path, value: unknown): unknown {
  const copy = structuredClone(settings) as unknown;
  // biome-ignore lint/suspicious/noExplicitAny: goes into any shape
  const parent = path.slice(0, -1).reduce((at: any, part) => at[part], copy);
  parent[path.at(-1) ?? ""] = value;
  if (value === undefined) delete parent[path.at(-1) ?? ""];
  return copy;
}

/** What an app file with this content is refused with, without the first line. */
function refusal(content: unknown): string[] {
  try {
    readApp(content, FILE);
  } catch (error) {
    const [first, ...problems] = (error as AppError).message.split("\n");
    expect(error).toBeInstanceOf(AppError);
    expect(first).toBe("app/acme/app.ts can't be used:");
    return problems.map((line) => line.trim());
  }
  return [];
}

test("fills in what an app leaves out", () => {
  expect(readApp(defineApp(settings), FILE)).toEqual({
    ...settings,
    urls: { ...settings.urls, docs: null, downloads: null, deepLink: null, portalReturn: NONE },
    mail: {
      from: { local: settings.mail.from, nonprod: settings.mail.from, prod: settings.mail.from },
      replyTo: NONE,
    },
    auditDays: 400,
    oauthProviders: [],
    clients: [
      {
        ...settings.clients[0],
        enabled: true,
        origins: [],
        checkoutUrls: [],
        accessTokenLifetimeSeconds: { local: 3600, nonprod: 3600, prod: 3600 },
        sessionMaxDays: null,
        sessionIdleDays: null,
        locale: "en",
        grants: { local: [], nonprod: [], prod: [] },
        firstParty: false,
        passwordMinLength: { local: 15, nonprod: 15, prod: 15 },
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
        mfa: { policy: "optional", factors: ["totp", "sms"] },
        passkeys: null,
        adapters: [],
        claims: {},
      },
    ],
    plans: [{ ...settings.plans[0], isOffered: true, trialDays: null, features: [] }],
  });
});

const NO_DOMAIN = { local: null, nonprod: null, prod: null };
const LOCAL = "http://localhost:5173";

test.for<[mistake: string, path: Path, value: unknown, line: string]>([
  ["a wrong type", ["name"], 5, "name must be a string, not a number."],
  ["null", ["plans", 0, "name", "fr"], null, "plans[0].name.fr must be a string, not null."],
  ["an array for an object", ["urls"], [], "urls must be an object, not an array."],
  ["an object for an array", ["clients"], {}, "clients must be an array, not an object."],
  ["a missing field", ["addresses", "support"], undefined, "addresses.support is missing."],
  [
    "an unknown key",
    ["clients", 0, "colour"],
    "red",
    "clients[0].colour is not a field of an app. Correct its name, or remove it.",
  ],
  [
    "cookies without an origin",
    ["clients", 0, "cookies"],
    { enabled: true },
    "clients[0].cookies is enabled, but origins is empty, so no page can use cookies. Add an origin.",
  ],
  [
    "cookies as the default of a client without cookies",
    ["clients", 0, "cookies"],
    { enabled: false, default: true },
    "clients[0].cookies has the default true, but is not enabled. Set enabled to true.",
  ],
  [
    "a CAPTCHA without a hostname",
    ["clients", 0, "captcha"],
    { provider: "turnstile", hostnames: [], requiredFor: ["send_otp"] },
    "clients[0].captcha.hostnames is [], but must have at least one hostname.",
  ],
  [
    "a CAPTCHA that no method requires",
    ["clients", 0, "captcha"],
    { provider: "turnstile", hostnames: ["app.example"], requiredFor: [] },
    "clients[0].captcha.requiredFor is [], but must name at least one method.",
  ],
  [
    "a redirect URI with a query",
    ["clients", 0, "redirectUris", 0],
    "https://acme.example/?from=mail",
    'clients[0].redirectUris[0] is "https://acme.example/?from=mail", but must have no query and no fragment, because Nest adds code and state as the query. Remove the part from the ? or # on.',
  ],
  [
    "a redirect URI with a fragment",
    ["clients", 0, "redirectUris", 0],
    "https://acme.example/#",
    'clients[0].redirectUris[0] is "https://acme.example/#", but must have no query and no fragment, because Nest adds code and state as the query. Remove the part from the ? or # on.',
  ],
  [
    "a redirect URI that is no URL",
    ["clients", 0, "redirectUris", 0],
    "acme",
    'clients[0].redirectUris[0] is "acme", but must be a URL that begins with https://, or a scheme of your own such as acme://.',
  ],
  [
    "a redirect URI over HTTP",
    ["clients", 0, "redirectUris", 0],
    "http://acme.example/",
    'clients[0].redirectUris[0] is "http://acme.example/", but must be a URL that begins with https://, or a scheme of your own such as acme://.',
  ],
  [
    "an enabled client without a redirect URI",
    ["clients", 0, "redirectUris"],
    [],
    "clients[0].redirectUris is empty, so nobody can sign in. Add a URL, or set enabled to false.",
  ],
  [
    "an origin with a path",
    ["clients", 0, "origins"],
    ["https://acme.example/"],
    'clients[0].origins[0] is "https://acme.example/", but must be an origin: scheme, host and port only, such as https://acme.example. Remove the path and the trailing slash.',
  ],
  ["no client", ["clients"], [], "clients is [], but must have at least one client."],
  [
    "no enabled client",
    ["clients", 0, "enabled"],
    false,
    "clients has no enabled client, so nobody can sign in. Enable a client.",
  ],
  [
    "a lifetime that no stage can have",
    ["clients", 0, "accessTokenLifetimeSeconds"],
    299,
    "clients[0].accessTokenLifetimeSeconds is 299, but must be a whole number from 300 to 864000.",
  ],
  [
    "a wrong lifetime of one stage",
    ["clients", 0, "accessTokenLifetimeSeconds"],
    { local: 300, nonprod: 864_001, prod: 864_000 },
    "clients[0].accessTokenLifetimeSeconds.nonprod is 864001, but must be a whole number from 300 to 864000.",
  ],
  [
    "a stage without a lifetime",
    ["clients", 0, "accessTokenLifetimeSeconds"],
    { local: 300, prod: 300 },
    "clients[0].accessTokenLifetimeSeconds.nonprod is missing.",
  ],
  [
    "the grant password of a client that is not the app's own",
    ["clients", 0, "grants"],
    { local: ["password"], nonprod: [], prod: [] },
    "clients[0].grants.local has password, but only the app's own programs may ask for a password. Set firstParty to true, or remove password.",
  ],
  [
    "short passwords on a deployed stage",
    ["clients", 0, "passwordMinLength"],
    { local: 6, nonprod: 14, prod: 15 },
    "clients[0].passwordMinLength.nonprod is 14, but a password that signs a person in alone needs 15 characters. Set it to 15 or more.",
  ],
  [
    "passwords that are too short for every stage",
    ["clients", 0, "passwordMinLength"],
    { local: 5, nonprod: 15, prod: 15 },
    "clients[0].passwordMinLength.local is 5, but must be a whole number from 6 to 128.",
  ],
  [
    "a required second factor of no type",
    ["clients", 0, "mfa"],
    { policy: "required", factors: [] },
    "clients[0].mfa requires a second factor, but factors is empty. Add totp.",
  ],
  [
    "a required second factor that a stage can't ask for",
    ["clients", 0],
    {
      ...CLIENT,
      mfa: { policy: "required_for_roles" },
      grants: { local: ["mfa"], nonprod: ["mfa"], prod: [] },
    },
    "clients[0].grants.prod lacks mfa, which mfa.policy requires. Add mfa.",
  ],
  [
    "a required second factor of people who are signed in when they register",
    ["clients", 0],
    { ...CLIENT, mfa: { policy: "required" }, grants: ["mfa"], registrationMode: "immediate" },
    "clients[0].mfa requires a second factor, but registrationMode immediate signs people in without one. Set it to verify_first.",
  ],
  [
    "passkeys as a factor without a domain",
    ["clients", 0, "mfa"],
    { factors: ["webauthn"] },
    "clients[0].mfa.factors has webauthn, but passkeys is missing. Add passkeys.",
  ],
  [
    "sign-ins with passkeys on a stage without a domain",
    ["clients", 0],
    { ...CLIENT, grants: { local: [], nonprod: [], prod: ["webauthn"] } },
    "clients[0].grants.prod has webauthn, but passkeys has no rpId for this stage. Add passkeys.",
  ],
  [
    "passkeys of this machine on a deployed stage",
    ["clients", 0, "passkeys"],
    { rpId: { ...NO_DOMAIN, prod: "localhost" }, origins: [LOCAL] },
    "clients[0].passkeys.rpId.prod is localhost, which is possible on the stage local only. Set it to null.",
  ],
  [
    "a domain of passkeys without a page",
    ["clients", 0, "passkeys"],
    { rpId: { ...NO_DOMAIN, local: "localhost", prod: "acme.example" }, origins: [LOCAL] },
    'clients[0].passkeys.rpId.prod is "acme.example", but no origin belongs to this domain. Add one to origins.',
  ],
  [
    "a domain of passkeys whose only page is one of another stage",
    ["clients", 0, "passkeys"],
    {
      rpId: { local: null, nonprod: "test.acme.example", prod: "acme.example" },
      origins: ["https://app.test.acme.example"],
    },
    'clients[0].passkeys.rpId.prod is "acme.example", but no origin belongs to this domain. Add one to origins.',
  ],
  [
    "a page on no domain of passkeys",
    ["clients", 0, "passkeys"],
    { rpId: "acme.example", origins: ["https://app.acme.example", "https://notacme.example"] },
    'clients[0].passkeys.origins[1] is "https://notacme.example", which is not on a domain of rpId, so browsers refuse passkeys there. Remove it.',
  ],
  [
    "an address as the domain of passkeys",
    ["clients", 0, "passkeys"],
    { rpId: "https://acme.example", origins: [] },
    'clients[0].passkeys.rpId is "https://acme.example", but must be a domain in lower case, such as acme.example.',
  ],
  [
    "an adapter that does not exist",
    ["clients", 0, "adapters"],
    ["bep"],
    'clients[0].adapters[0] is "bep", but must be one of beep, service_authentication, static_backend.',
  ],
  [
    "a mail of a link without the placeholder",
    ["clients", 0, "emailTemplates"],
    [{ body: "<p>Hello</p>" }],
    'clients[0].emailTemplates[0].body is "<p>Hello</p>", but must have the placeholder [link] for the link.',
  ],
  [
    "a mail of a link from an address that is not listed",
    ["clients", 0, "emailTemplates"],
    [{ fromEmail: "my@acme.example" }],
    'clients[0].emailTemplates[0].fromEmail is "my@acme.example", which is not in emailSenders of the client. Add it there.',
  ],
  [
    "a claim with a meaning of its own",
    ["clients", 0, "claims"],
    { aud: "sub" },
    "clients[0].claims.aud can't be the name of a claim: use 1 to 40 letters, digits or _, and no claim that has a meaning, such as sub.",
  ],
  [
    "a copy of an unknown claim",
    ["clients", 0, "claims"],
    { userid: "email" },
    'clients[0].claims.userid is "email", but must be one of sub, client_id, device_id, sid.',
  ],
  [
    "a locale that the app does not have",
    ["clients", 0, "locale"],
    "de",
    'clients[0].locale is "de", which is not in locales. Add it to locales.',
  ],
  ["a plan without a price", ["plans", 0, "prices"], undefined, "plans[0].prices is missing."],
  [
    "a plan without a local price",
    ["plans", 0, "prices"],
    { prod: PRICE },
    "plans[0].prices.local is missing.",
  ],
  [
    "a price that is a product",
    ["plans", 0, "prices", "local", "priceId"],
    "prod_acme",
    'plans[0].prices.local.priceId is "prod_acme", but must be the id of a price at Stripe, such as price_1Abc.',
  ],
  [
    "an interval that Stripe does not have",
    ["plans", 0, "interval"],
    "fortnight",
    'plans[0].interval is "fortnight", but must be one of day, week, month, year.',
  ],
  [
    "a missing text",
    ["signOff", "fr"],
    undefined,
    'signOff.fr is missing, but the app has the locale "fr". Add the text, or remove the locale.',
  ],
  [
    "a text in a locale that the app does not have",
    ["plans", 0, "name", "de"],
    "Acme Pro",
    'plans[0].name.de is a text in a locale that the app does not have. Add "de" to locales, or remove the text.',
  ],
  ["an empty text", ["signOff", "en"], " ", 'signOff.en is " ", but must have 1 to 512 characters.'],
  [
    "a locale with a wrong spelling",
    ["locales", 0],
    "EN",
    'locales[0] is "EN", but must be a language tag such as en or pt-BR.',
  ],
  ["no locale", ["locales"], [], "locales is [], but must name at least one language."],
  [
    "a sender without an address",
    ["mail", "from"],
    "Acme",
    'mail.from is "Acme", but must be a sender, such as `Acme <no-reply@acme.example>`.',
  ],
  [
    "a sender with a line break",
    ["mail", "from"],
    "Acme\r\nBcc: all@acme.example <a@acme.example>",
    'mail.from is "Acme\\r\\nBcc: all@acme.example <a@acme.example>", but must be a sender, such as `Acme <no-reply@acme.example>`.',
  ],
  [
    "a deep link that any page can open",
    ["urls", "deepLink"],
    "https://acme.example/app",
    'urls.deepLink is "https://acme.example/app", but must be a URL with a scheme of your own and without a query, such as acme://sign-in.',
  ],
  [
    "a page over HTTP",
    ["urls", "site"],
    "http://acme.example",
    'urls.site is "http://acme.example", but must be a URL that begins with https:// and has no spaces and no password.',
  ],
  [
    "a color that can't be read on white",
    ["colors", "accent"],
    "#5eead4",
    'colors.accent is "#5eead4", but needs a contrast of 4.5 with white. Choose a darker color.',
  ],
  [
    "a color by its name",
    ["colors", "accent"],
    "purple",
    'colors.accent is "purple", but must be a color such as #1d4ed8.',
  ],
  [
    "text that can't be read on its button",
    ["colors", "onAccent"],
    "#0f766e",
    "colors.onAccent has a contrast of 1.0 with colors.accent, and text needs 4.5. Choose another color.",
  ],
])("refuses %s", ([, path, value, line]) => {
  expect(refusal(changed(path, value))).toEqual([line]);
});

const OWN_SCHEME = "must be a URL that begins with https://, or a scheme of your own such as acme://.";

test.for([
  "javascript:alert(1)",
  "data:text/html,x",
  "vbscript:x",
  "file:///etc/passwd",
  "blob:https://acme.example/1",
  " https://acme.example/",
  "https://acme.example/ ",
  "ht\ntp://evil.example/",
  "\nhttp://evil.example/",
  "https:acme.example/",
  "https:///acme.example/",
  "https://acme.example\\@evil.example/",
  "https://ada:secret@acme.example/",
  "https://acme.example/ü",
  "acme:",
  "JavaScript:alert(1)",
])("refuses the redirect URI %j, and a page or a deep link of this form", (value) => {
  const said = `is ${JSON.stringify(value)}, but must be a URL`;
  expect(refusal(changed(["clients", 0, "redirectUris"], [value]))).toEqual([
    `clients[0].redirectUris[0] is ${JSON.stringify(value)}, but ${OWN_SCHEME}`,
  ]);
  for (const field of ["site", "docs", "downloads", "landing", "portalReturn", "deepLink"])
    expect(refusal(changed(["urls", field], value))).toEqual([expect.stringContaining(said)]);
});

test.for(["acme://sign-in", "com.acme.app:/sign-in", "http://localhost:5173/", "http://[::1]:5173/cb"])(
  "takes the redirect URI %s",
  (value) => {
    expect(refusal(changed(["clients", 0, "redirectUris"], [value]))).toEqual([]);
  },
);

const FORMLESS = "must have no line break and no control character.";

test.for(["Ac\nme", "Acme\r\nBcc: all@acme.example", "Acme\u0000", "\u202Eemca", "Acme\u2028", "Acme\ud800"])(
  "refuses the text %j, which could add lines to a mail or turn its text",
  (value) => {
    for (const [path, name] of [
      [["name"], "name"],
      [["signOff", "en"], "signOff.en"],
      [["plans", 0, "name", "fr"], "plans[0].name.fr"],
    ] as const)
      expect(refusal(changed(path, value))).toEqual([`${name} is ${JSON.stringify(value)}, but ${FORMLESS}`]);
    expect(refusal(changed(["emoji"], value))).toHaveLength(1);
    expect(refusal(changed(["mail", "from"], `${value} <a@acme.example>`))).toHaveLength(1);
  },
);

test.for(["🐦", "✨", "👩‍🚀", "🇩🇪", "1️⃣", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", ""])("accepts the emoji %j", (value) => {
  expect(refusal(changed(["emoji"], value))).toEqual([]);
});

test.for([
  "a,b@acme.example",
  "hélp@acme.example",
  "help@acme",
  "help@acme.example\u0000",
  "help?bcc=all@acme.example",
  "help@münchen.example",
])("refuses the address %j", (value) => {
  expect(refusal(changed(["addresses", "support"], value))).toHaveLength(1);
  expect(refusal(changed(["mail", "from"], `Acme <${value}>`))).toHaveLength(1);
});

test.for<[path: Path, value: unknown, line: string]>([
  [["plans", 0, "interval"], 1n, "plans[0].interval is 1, but must be one of day, week, month, year."],
  [
    ["plans", 0, "interval"],
    Symbol("x"),
    "plans[0].interval is Symbol(x), but must be one of day, week, month, year.",
  ],
  [["plans", 0, "trialDays"], Number.NaN, "plans[0].trialDays must be a number, not NaN."],
  [
    ["plans", 0, "amount", "unitAmount"],
    Number.POSITIVE_INFINITY,
    "plans[0].amount.unitAmount must be a number, not Infinity.",
  ],
  [
    ["plans", 0, "amount", "currency"],
    "zzz",
    'plans[0].amount.currency is "zzz", but must be a currency in lower case, such as gbp.',
  ],
  [
    ["plans", 0, "features"],
    ["a", "b", "a"],
    'plans[0].features[2] is "a", the same as plans[0].features[0]. Each must be different.',
  ],
  [
    ["clients", 0, "redirectUris"],
    ["acme://a", "acme://a"],
    'clients[0].redirectUris[1] is "acme://a", the same as clients[0].redirectUris[0]. Each must be different.',
  ],
  [
    ["clients", 0, "checkoutUrls"],
    ["https://acme.example/?a"],
    'clients[0].checkoutUrls[0] is "https://acme.example/?a", but must have no query and no fragment, because a checkout may add them. Remove the part from the ? or # on.',
  ],
])("refuses %j with the value %s in one line", ([path, value, line]) => {
  expect(refusal(changed(path, value))).toEqual([line]);
});

test("refuses a value that contains itself, and names at most 50 problems", () => {
  const knot: Record<string, unknown> = {};
  knot.knot = knot;
  expect(refusal(changed(["plans", 0, "interval"], knot))).toEqual([
    "plans[0].interval is an object that contains itself, but must be one of day, week, month, year.",
  ]);
  const lines = refusal(
    changed(
      ["plans"],
      Array.from({ length: 10_000 }, () => ({})),
    ),
  );
  expect([lines.length, lines.at(-1)]).toEqual([51, expect.stringMatching(/^and \d+ more\.$/)]);
});

test("refuses an id that two clients, two plans or two prices share", () => {
  const [client, plan] = [settings.clients[0], settings.plans[0]];
  expect(refusal({ ...settings, clients: [client, client], plans: [plan, plan] })).toEqual([
    'clients[1].id is "acme_web", the same as clients[0].id. Each must be different.',
    'plans[1].id is "pro", the same as plans[0].id. Each must be different.',
    'plans[1].prices.local.priceId is "price_acme", the same as plans[0].prices.local.priceId. Each must be different.',
  ]);
});

test("names every wrong field at once", () => {
  const wrong = { ...settings, name: "", plans: [{ ...settings.plans[0], id: "Pro" }] };
  expect(refusal(wrong)).toEqual([
    'name is "", but must have 1 to 512 characters.',
    'plans[0].id is "Pro", but must have 1 to 40 lower-case letters, digits or _.',
  ]);
});

test.for([undefined, null, "app", 7])("refuses a file that exports %s", (content) => {
  expect(refusal(content)).toEqual([
    "default export: must be what defineApp({...}) returns. Add `export default`.",
  ]);
});

test("names a folder without an app", async () => {
  await expect(loadApp("app/nothing")).rejects.toThrow(
    "app/nothing/app.ts can't be used:\n  the file does not exist. Set NEST_APP to a folder that has an app.ts, such as app/beak, or create the app: `NEST_APP= npm run nest -- app create nothing`.",
  );
});

test("this process runs the app of NEST_APP, by default Beak", async () => {
  expect(app).toEqual(await loadApp(appFolder));
});
