import {
  _default,
  array,
  boolean,
  nullable,
  number,
  enum as oneOf,
  optional,
  record,
  refine,
  strictObject,
  string,
  type ZodMiniType,
} from "zod/mini";
import { ADAPTERS, type App, COPIED_CLAIMS, LINK_QUERIES, OPTIONAL_GRANTS } from "#core/app/app.ts";
import {
  address,
  apiUrl,
  color,
  currency,
  deepLink,
  emoji,
  filled,
  locale,
  localized,
  mailbox,
  matches,
  mfaSettings,
  origin,
  pageUrl,
  redirectUri,
  webUrl,
} from "#core/app/app_fields.ts";
import { CAPTCHA_METHODS, CAPTCHA_PROVIDERS } from "#core/app/captcha_settings.ts";
import { contrast } from "#core/app/contrast.ts";
import { oauthProviders } from "#core/app/oauth_providers.ts";
import { perStage } from "#core/app/per_stage.ts";

const NONE = { local: null, nonprod: null, prod: null };

const wholeNumber = (least: number, most: number) =>
  number().check(
    refine(
      (value) => Number.isInteger(value) && value >= least && value <= most,
      `must be a whole number from ${least} to ${most}`,
    ),
  );

const captcha = strictObject({
  provider: oneOf(CAPTCHA_PROVIDERS),
  secretRef: optional(matches(/^[A-Za-z0-9_-]{1,100}$/, "must have 1 to 100 letters, digits, _ or -")),
  hostnames: array(
    matches(/^[a-z0-9-]+(\.[a-z0-9-]+)*$/, "must be a hostname in lower case, such as app.acme.example"),
  ).check(refine((list) => list.length > 0, "must have at least one hostname")),
  requiredFor: array(oneOf(CAPTCHA_METHODS)).check(
    refine((list) => list.length > 0, "must name at least one method"),
  ),
});

const emailTemplate = strictObject({
  fromEmail: optional(address()),
  fromName: optional(filled()),
  subject: optional(filled()),
  body: optional(
    filled().check(
      refine((body) => body.includes("[link]"), "must have the placeholder [link] for the link"),
    ),
  ),
});

const DOMAIN = /^(?:localhost|(?=.{4,253}$)[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})+)$/;

const passkeys = strictObject({
  rpId: perStage(nullable(matches(DOMAIN, "must be a domain in lower case, such as acme.example"))),
  origins: array(origin()),
});

const client = strictObject({
  id: matches(/^[A-Za-z0-9_-]{1,100}$/, "must have 1 to 100 letters, digits, _ or -"),
  name: filled(),
  enabled: _default(boolean(), true),
  redirectUris: array(redirectUri()),
  origins: _default(array(origin()), []),
  checkoutUrls: _default(array(pageUrl()), []),
  accessTokenLifetimeSeconds: _default(perStage(wholeNumber(300, 864_000)), {
    local: 3600,
    nonprod: 3600,
    prod: 3600,
  }),
  sessionMaxDays: _default(nullable(wholeNumber(1, 3650)), null),
  sessionIdleDays: _default(nullable(wholeNumber(1, 365)), null),
  locale: optional(string()),
  grants: _default(perStage(array(oneOf(OPTIONAL_GRANTS))), { local: [], nonprod: [], prod: [] }),
  firstParty: _default(boolean(), false),
  passwordMinLength: _default(perStage(wholeNumber(6, 128)), { local: 15, nonprod: 15, prod: 15 }),
  registration: _default(oneOf(["open", "closed"]), "open"),
  registrationMode: _default(oneOf(["verify_first", "immediate"]), "verify_first"),
  userCode: _default(boolean(), false),
  emailSenders: _default(array(address()), []),
  emailTemplates: _default(array(emailTemplate), []),
  linkQuery: _default(oneOf(LINK_QUERIES), "token"),
  addsBeforeProof: _default(boolean(), false),
  addedUserAnswer: _default(oneOf(["true", "user"]), "true"),
  phoneCountries: _default(
    array(matches(/^[A-Z]{2}$/, "must be a country of ISO 3166-1, such as GB, in upper case")),
    [],
  ),
  cookies: _default(strictObject({ enabled: boolean(), default: _default(boolean(), false) }), {
    enabled: false,
    default: false,
  }),
  captcha: _default(nullable(captcha), null),
  mfa: mfaSettings(),
  passkeys: _default(nullable(passkeys), null),
  adapters: _default(array(oneOf(ADAPTERS)), []),
  claims: _default(record(string(), oneOf(COPIED_CLAIMS)), {}),
});

const stripePrice = strictObject({
  priceId: matches(/^price_\w+$/, "must be the id of a price at Stripe, such as price_1Abc"),
  productId: matches(/^prod_\w+$/, "must be the id of a product at Stripe, such as prod_Abc"),
});

const plan = strictObject({
  id: matches(/^[a-z0-9_]{1,40}$/, "must have 1 to 40 lower-case letters, digits or _"),
  name: localized(),
  isOffered: _default(boolean(), true),
  prices: strictObject({
    local: stripePrice,
    nonprod: optional(stripePrice),
    prod: optional(stripePrice),
  }),
  interval: oneOf(["day", "week", "month", "year"]),
  amount: strictObject({
    currency: currency(),
    unitAmount: wholeNumber(0, 99_999_999),
  }),
  trialDays: _default(nullable(wholeNumber(1, 730)), null),
  features: _default(
    array(matches(/^[a-z0-9_]{1,40}$/, "must have 1 to 40 lower-case letters, digits or _")),
    [],
  ),
});

const enough = (text: string, background: string) => contrast(text, background) >= 4.5;

const colors = strictObject({
  accent: color().check(
    refine((value) => enough(value, "#ffffff"), "needs a contrast of 4.5 with white. Choose a darker color"),
  ),
  onAccent: color(),
  accentDark: color().check(
    refine(
      (value) => enough(value, "#1f2329"),
      "needs a contrast of 4.5 with #1f2329, the dark background. Choose a lighter color",
    ),
  ),
  onAccentDark: color(),
});

/** The shape of an app file. `readApp` also checks the rules that involve several fields. */
export const appSchema = strictObject({
  name: filled(),
  emoji: emoji(),
  addresses: strictObject({ support: address(), security: address() }),
  urls: strictObject({
    site: webUrl(),
    docs: _default(nullable(webUrl()), null),
    downloads: _default(nullable(webUrl()), null),
    landing: webUrl(),
    deepLink: _default(nullable(deepLink()), null),
    portalReturn: _default(perStage(nullable(webUrl())), NONE),
    api: strictObject({ nonprod: apiUrl(), prod: apiUrl() }),
  }),
  colors,
  logo: matches(/^[\w-]+\.svg$/, "must name an SVG file beside the app file, such as logo.svg"),
  locales: array(locale()).check(refine((list) => list.length > 0, "must name at least one language")),
  signOff: localized(),
  mail: strictObject({
    from: perStage(mailbox()),
    replyTo: _default(perStage(nullable(mailbox())), NONE),
  }),
  auditDays: _default(wholeNumber(1, 3650), 400),
  clients: array(client).check(refine((list) => list.length > 0, "must have at least one client")),
  oauthProviders,
  plans: array(plan),
}) as unknown as ZodMiniType<
  Omit<App, "clients"> & { clients: (App["clients"][number] & { locale?: string })[] }
>;
