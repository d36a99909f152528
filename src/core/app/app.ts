import type { CaptchaSettings } from "#core/app/captcha_settings.ts";
import type { MfaSettings } from "#core/app/mfa_settings.ts";
import type { OAuthProvider } from "#core/app/oauth_providers.ts";
import type { PasskeySettings } from "#core/app/passkey_settings.ts";

/** Where Nest runs: on a developer's machine, in the test environment, or in production. */
export type Stage = "local" | "nonprod" | "prod";
export const STAGES: readonly Stage[] = ["local", "nonprod", "prod"];

/** The texts of one thing, by locale. Each locale of the app has one. */
export type Localized = Readonly<Record<string, string>>;

/** Grants that a client must list to use. `otp_link`: the grant `otp` with the token of a mailed link. `webauthn`: a passkey. */
export const OPTIONAL_GRANTS = ["otp", "otp_link", "password", "mfa", "webauthn"] as const;
export type OptionalGrant = (typeof OPTIONAL_GRANTS)[number];

/** The adapters of `src/adapters`, which serve the APIs of other services to their clients. */
export const ADAPTERS = ["beep", "service_authentication", "static_backend"] as const;
export type AdapterName = (typeof ADAPTERS)[number];

/** Claims of an access token that a client may also want under a name of its own. */
export const COPIED_CLAIMS = ["sub", "client_id", "device_id", "sid"] as const;
export type CopiedClaim = (typeof COPIED_CLAIMS)[number];

/** The mail of a link that any program may request, because the app file has its texts. What is absent is as in the usual mail. */
export interface EmailTemplate {
  /** One of the client's `emailSenders`. */
  fromEmail?: string | undefined;
  fromName?: string | undefined;
  subject?: string | undefined;
  /** HTML with the placeholder `[link]`. */
  body?: string | undefined;
}

/**
 * What mailed links look like. `token`: the query has `token`, `flow` and `client_id`. `code_and_email`: that of a link of
 * `send_otp` has `code` (the token) and `email`. `path`: the token is in the path, as the adapter service_authentication reads it.
 */
export const LINK_QUERIES = ["token", "code_and_email", "path"] as const;
export type LinkQuery = (typeof LINK_QUERIES)[number];

/** An OAuth client: a program that signs people in. */
export interface Client {
  /** Sent by the client as `client_id`. It must never change. */
  id: string;
  /** What the operator's commands call it. */
  name: string;
  /** A client that is not enabled counts as unknown. */
  enabled: boolean;
  /** Where a magic link may lead. No query and no fragment: Nest adds code and state as the query. */
  redirectUris: readonly string[];
  /**
   * Origins of the browser pages that may call the API, such as `https://acme.example`. Origins on this machine, such as
   * `http://localhost:5173`, count on the stage `local` only.
   */
  origins: readonly string[];
  /** Where a checkout may send the person back to. */
  checkoutUrls: readonly string[];
  accessTokenLifetimeSeconds: Readonly<Record<Stage, number>>;
  /** Days after which a person must sign in again; null: never. */
  sessionMaxDays: number | null;
  /** Days without a refresh after which a person must sign in again; null: 365. */
  sessionIdleDays: number | null;
  /** The locale of a user who has not chosen one. */
  locale: string;
  /** Grants that the client may use in addition to `authorization_code` and `refresh_token`. */
  grants: Readonly<Record<Stage, readonly OptionalGrant[]>>;
  /** Whether the app's own owner publishes the client. Only such a client may ask people for their password. */
  firstParty: boolean;
  /** The least characters of a new password. Below 8 (the stage `local` only), breaches and names are not checked. */
  passwordMinLength: Readonly<Record<Stage, number>>;
  /** Whether a code signs a person up who has no user yet. `closed`: codes sign in existing users only. */
  registration: "open" | "closed";
  /**
   * What `register_user` does first. `verify_first`: it mails a code, and the user is created when the code is redeemed; known and
   * unknown addresses get the same response. `immediate`: it creates the user and signs them in before the address is proved, and
   * says `identifier_taken` for an address that has a user.
   */
  registrationMode: "verify_first" | "immediate";
  /** Whether the mail of a magic link also shows a code of eight characters, for readers on another device. */
  userCode: boolean;
  /** Addresses that an internal caller of `send_magic_link` may send from; empty: none. SES must have verified them. */
  emailSenders: readonly string[];
  /** Mails of sign-in links that a program may request without an internal key, with exactly these texts. */
  emailTemplates: readonly EmailTemplate[];
  /** The query of its links of `send_otp`. With `code_and_email`, addresses are in URLs, which servers log. */
  linkQuery: LinkQuery;
  /** Whether users may add members with a password to their account before they prove an address. */
  addsBeforeProof: boolean;
  /** What the adapter static_backend answers to a new member: `true`, or the user, as its programs of 1.6 expect. */
  addedUserAnswer: "true" | "user";
  /** Countries whose phone numbers receive codes by SMS (ISO 3166-1, such as `GB`); empty: none. Each SMS costs money. */
  phoneCountries: readonly string[];
  /**
   * Whether pages of the client's origins may keep their tokens in cookies, and whether they do so when a call does not say.
   */
  cookies: Readonly<{ enabled: boolean; default: boolean }>;
  /** null: no CAPTCHA. */
  captcha: CaptchaSettings | null;
  /** Whose sign-ins need a second factor, and the factors that users can add. */
  mfa: MfaSettings;
  /** Where users make and use passkeys; null: nowhere. */
  passkeys: PasskeySettings | null;
  /** The adapters whose programs sign in as this client. */
  adapters: readonly AdapterName[];
  /** Claims that its access tokens have in addition, such as `{ userid: "sub" }`: the value is that of the named claim. */
  claims: Readonly<Record<string, CopiedClaim>>;
}

/** A price at Stripe and its product. */
export interface StripePrice {
  priceId: string;
  productId: string;
}

/** Something a person can subscribe to. */
export interface Plan {
  /** Sent by clients as `plan`, and stored. It must never change. */
  id: string;
  name: Localized;
  /** Whether a person can still buy it. A plan that is no longer offered stays valid for those who have it. */
  isOffered: boolean;
  /** The price at Stripe on each stage. A stage without one can't be deployed. */
  prices: Readonly<{ local: StripePrice; nonprod?: StripePrice; prod?: StripePrice }>;
  interval: "day" | "week" | "month" | "year";
  /** The price per interval, in the smallest unit of the currency: 499 is 4.99 pounds. Stripe decides what is charged. */
  amount: Readonly<{ currency: string; unitAmount: number }>;
  /** The length of a free trial; null: no trial. */
  trialDays: number | null;
  /** What the plan lets a person do. Clients read these names in the subscription status and the entitlement. */
  features: readonly string[];
}

/** One app: everything that a person sees of it. Nest's code names no app. */
export interface App {
  /** What a person calls the app. */
  name: string;
  /** One emoji for the subject of mails; empty: none. */
  emoji: string;
  addresses: Readonly<{
    /** For questions about an account or a payment. */
    support: string;
    /** For mail that a person did not ask for, and for vulnerabilities. */
    security: string;
  }>;
  urls: Readonly<{
    site: string;
    /** Documentation for the people who use the app; null: none. */
    docs: string | null;
    /** Where a person downloads the app; null: there is nothing to download. */
    downloads: string | null;
    /** The page that a magic link opens. It hands code and state to the app. */
    landing: string;
    /** The URL that opens the installed app, such as `acme://sign-in`; null: there is no installed app. */
    deepLink: string | null;
    /** Where Stripe's billing portal leads back to; null: where Stripe's own setting says. */
    portalReturn: Readonly<Record<Stage, string | null>>;
    /** The addresses of the deployed API, without a trailing slash. */
    api: Readonly<{ nonprod: string; prod: string }>;
  }>;
  /** As `#rrggbb`. Text needs a contrast of 4.5 against what is behind it (WCAG 1.4.3). */
  colors: Readonly<{
    /** Buttons and links on a light background. */
    accent: string;
    /** Text on a button of the color `accent`. */
    onAccent: string;
    /** Buttons and links on a dark background. */
    accentDark: string;
    /** Text on a button of the color `accentDark`. */
    onAccentDark: string;
  }>;
  /** The logo, as an SVG file beside `app.ts`. */
  logo: string;
  locales: readonly [string, ...string[]];
  /** The last line of each mail. */
  signOff: Localized;
  mail: Readonly<{
    from: Readonly<Record<Stage, string>>;
    replyTo: Readonly<Record<Stage, string | null>>;
  }>;
  clients: readonly Client[];
  /** The OAuth providers that people can sign in with, at every client. */
  oauthProviders: readonly OAuthProvider[];
  /** Days for which rows of the audit log are kept. A change applies to new rows. */
  auditDays: number;
  /** A trial subscribes to the first plan that is offered and has `trialDays`. */
  plans: readonly Plan[];
}
