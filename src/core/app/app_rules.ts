import { type App, type Client, type Localized, STAGES } from "#core/app/app.ts";
import type { AppProblem } from "#core/app/app_problem.ts";
import { contrast } from "#core/app/contrast.ts";
import { mfaProblems } from "#core/app/mfa_rules.ts";
import { oauthProviderProblems } from "#core/app/oauth_providers.ts";
import { passkeyProblems } from "#core/app/passkey_rules.ts";

/** Checks the rules that involve several fields: unique ids, a text in every locale, readable colors. */
export function checkApp(app: App): AppProblem[] {
  return [
    ...repeated(app.locales, (index) => ["locales", index]),
    ...repeated(ids(app.clients), (index) => ["clients", index, "id"]),
    ...repeated(ids(app.plans), (index) => ["plans", index, "id"]),
    ...STAGES.flatMap((stage) =>
      repeated(
        app.plans.map(({ prices }) => prices[stage]?.priceId),
        (index) => ["plans", index, "prices", stage, "priceId"],
      ),
    ),
    ...app.plans.flatMap(({ features }, plan) =>
      repeated(features, (index) => ["plans", plan, "features", index]),
    ),
    ...app.clients.flatMap((client, index) =>
      (["redirectUris", "origins", "checkoutUrls"] as const).flatMap((list) =>
        repeated(client[list], (place) => ["clients", index, list, place]),
      ),
    ),
    ...textsOf(app).flatMap(([path, text]) => untranslated(app.locales, path, text)),
    ...app.clients.flatMap(({ locale }, index) =>
      app.locales.includes(locale)
        ? []
        : [
            {
              path: ["clients", index, "locale"],
              rule: `is "${locale}", which is not in locales. Add it to locales`,
            },
          ],
    ),
    ...(app.clients.some(({ enabled }) => enabled)
      ? []
      : [{ path: ["clients"], rule: "has no enabled client, so nobody can sign in. Enable a client" }]),
    ...app.clients.flatMap(({ enabled, redirectUris }, index) =>
      enabled && redirectUris.length === 0
        ? [
            {
              path: ["clients", index, "redirectUris"],
              rule: "is empty, so nobody can sign in. Add a URL, or set enabled to false",
            },
          ]
        : [],
    ),
    ...app.clients.flatMap(passwordProblems),
    ...app.clients.flatMap(unusableCookies),
    ...app.clients.flatMap(mfaProblems),
    ...app.clients.flatMap(passkeyProblems),
    ...app.clients.flatMap(claimProblems),
    ...app.clients.flatMap(senderProblems),
    ...repeated(ids(app.oauthProviders), (index) => ["oauthProviders", index, "id"]),
    ...app.oauthProviders.flatMap(oauthProviderProblems),
    ...unreadable(app.colors, "onAccent", "accent"),
    ...unreadable(app.colors, "onAccentDark", "accentDark"),
  ];
}

/** The least characters of a password that signs a person in alone (NIST SP 800-63B-4, section 3.1.1.2). */
const LEAST_PASSWORD = 15;

function passwordProblems({ firstParty, grants, passwordMinLength }: Client, index: number): AppProblem[] {
  return STAGES.flatMap((stage) => {
    const at = (field: string) => ["clients", index, field, stage];
    const isShort = stage !== "local" && passwordMinLength[stage] < LEAST_PASSWORD;
    return [
      ...(grants[stage].includes("password") && !firstParty
        ? [
            {
              path: at("grants"),
              rule: "has password, but only the app's own programs may ask for a password. Set firstParty to true, or remove password",
            },
          ]
        : []),
      ...(isShort
        ? [
            {
              path: at("passwordMinLength"),
              rule: `is ${passwordMinLength[stage]}, but a password that signs a person in alone needs ${LEAST_PASSWORD} characters. Set it to ${LEAST_PASSWORD} or more`,
            },
          ]
        : []),
    ];
  });
}

/** A call with cookies must come from a page of the client's origins. */
function unusableCookies({ cookies, origins }: Client, index: number): AppProblem[] {
  const path = ["clients", index, "cookies"];
  if (cookies.enabled && origins.length === 0)
    return [{ path, rule: "is enabled, but origins is empty, so no page can use cookies. Add an origin" }];
  if (!cookies.enabled && cookies.default)
    return [{ path, rule: "has the default true, but is not enabled. Set enabled to true" }];
  return [];
}

/** Names that Nest, OAuth or OpenID Connect give a meaning. A client's own claim must not look like one of them. */
const RESERVED_CLAIMS =
  /^(?:iss|sub|aud|exp|nbf|iat|jti|v|client_id|sid|device_id|auth_time|amr|acr|azp|nonce|scope|act|cnf|typ|roles|groups|entitlements|email|email_verified|phone_number|phone_number_verified)$/;

const claimProblems = ({ claims }: Client, index: number): AppProblem[] =>
  Object.keys(claims)
    .filter((name) => !/^[a-zA-Z][a-zA-Z0-9_]{0,39}$/.test(name) || RESERVED_CLAIMS.test(name))
    .map((name) => ({
      path: ["clients", index, "claims", name],
      rule: "can't be the name of a claim: use 1 to 40 letters, digits or _, and no claim that has a meaning, such as sub",
    }));

/** SES sends only from addresses that it has verified. */
const senderProblems = ({ emailSenders, emailTemplates }: Client, client: number): AppProblem[] =>
  emailTemplates.flatMap(({ fromEmail }, index) =>
    fromEmail === undefined || emailSenders.includes(fromEmail)
      ? []
      : [
          {
            path: ["clients", client, "emailTemplates", index, "fromEmail"],
            rule: `is "${fromEmail}", which is not in emailSenders of the client. Add it there`,
          },
        ],
  );

const ids = (things: readonly { id: string }[]) => things.map(({ id }) => id);

/** Every text of an app that a person reads, with its path. */
function textsOf({ signOff, plans }: App): [path: PropertyKey[], text: Localized][] {
  return [
    [["signOff"], signOff],
    ...plans.map(({ name }, index): [PropertyKey[], Localized] => [["plans", index, "name"], name]),
  ];
}

function untranslated(locales: readonly string[], path: PropertyKey[], text: Localized): AppProblem[] {
  const missing = locales.filter((locale) => !Object.hasOwn(text, locale));
  const surplus = Object.keys(text).filter((locale) => !locales.includes(locale));
  return [
    ...missing.map((locale) => ({
      path: [...path, locale],
      rule: `is missing, but the app has the locale "${locale}". Add the text, or remove the locale`,
    })),
    ...surplus.map((locale) => ({
      path: [...path, locale],
      rule: `is a text in a locale that the app does not have. Add "${locale}" to locales, or remove the text`,
    })),
  ];
}

function repeated(
  values: readonly (string | undefined)[],
  pathOf: (index: number) => PropertyKey[],
): AppProblem[] {
  return values.flatMap((value, index) => {
    const first = values.indexOf(value);
    if (value === undefined || first === index) return [];
    const earlier = pathOf(first).map((part) =>
      typeof part === "number" ? `[${part}]` : `.${String(part)}`,
    );
    return [
      {
        path: pathOf(index),
        rule: `is "${value}", the same as ${earlier.join("").slice(1)}. Each must be different`,
      },
    ];
  });
}

function unreadable(
  colors: App["colors"],
  text: "onAccent" | "onAccentDark",
  background: "accent" | "accentDark",
): AppProblem[] {
  const ratio = contrast(colors[text], colors[background]);
  if (ratio >= 4.5) return [];
  const rule = `has a contrast of ${ratio.toFixed(1)} with colors.${background}, and text needs 4.5. Choose another color`;
  return [{ path: ["colors", text], rule }];
}
