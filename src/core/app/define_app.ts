import type { App, Client, OptionalGrant, Plan } from "#core/app/app.ts";

/** A value for every stage, or one for each. */
export type PerStage<Value> = Value | { local: Value; nonprod: Value; prod: Value };

/** A text in every locale of the app. */
type Texts<Locale extends string> = Record<Locale, string>;

type Optional<Settings, Names extends keyof Settings> = Omit<Settings, Names> & Partial<Settings>;

interface ClientSettings<Locale extends string>
  extends Optional<
    Omit<
      Client,
      | "accessTokenLifetimeSeconds"
      | "locale"
      | "grants"
      | "passwordMinLength"
      | "cookies"
      | "mfa"
      | "passkeys"
    >,
    | "enabled"
    | "origins"
    | "checkoutUrls"
    | "sessionMaxDays"
    | "sessionIdleDays"
    | "firstParty"
    | "registration"
    | "registrationMode"
    | "userCode"
    | "emailSenders"
    | "emailTemplates"
    | "linkQuery"
    | "addsBeforeProof"
    | "addedUserAnswer"
    | "phoneCountries"
    | "captcha"
    | "adapters"
    | "claims"
  > {
  /** How long an access token is valid, 300 to 864000. Default: 3600 on every stage. */
  accessTokenLifetimeSeconds?: PerStage<number>;
  /** Grants besides `authorization_code` and `refresh_token`, such as `["otp"]`. Default: none. */
  grants?: PerStage<readonly OptionalGrant[]>;
  /** The least characters of a new password, 15 to 128 on a deployed stage. Default: 15. */
  passwordMinLength?: PerStage<number>;
  /** Which users need a second factor, and which types of factor users can add. Default: `optional`, `["totp", "sms"]`. */
  mfa?: { policy?: Client["mfa"]["policy"]; factors?: Client["mfa"]["factors"] };
  /*   * Where users create and use passkeys: the domain that the passkeys belong to, which must never change, and the origins of the pages.
   * Default: nowhere.
   */
  passkeys?: { rpId: PerStage<string | null>; origins: readonly string[] } | null;
  /** Whether pages may keep their tokens in cookies, and do so when a call does not say. Default: neither. */
  cookies?: { enabled: boolean; default?: boolean };
  /** The locale of a user of this client who has not chosen one. Default: the first of `locales`. */
  locale?: Locale;
}

interface PlanSettings<Locale extends string>
  extends Optional<Omit<Plan, "name">, "isOffered" | "trialDays" | "features"> {
  /** What a person reads, such as "Acme Pro". */
  name: Texts<Locale>;
}

/** What `app/<name>/app.ts` defines: `App` with its defaults left out. */
export interface AppSettings<Locale extends string = string>
  extends Omit<
    App,
    "locales" | "signOff" | "clients" | "plans" | "mail" | "urls" | "auditDays" | "oauthProviders"
  > {
  /** The languages of mails and pages, as BCP 47 tags. The first is the default. */
  locales: readonly [Locale, ...Locale[]];
  /** The last line of each mail, such as "The Acme team". */
  signOff: Texts<NoInfer<Locale>>;
  urls: Optional<Omit<App["urls"], "portalReturn">, "docs" | "downloads" | "deepLink"> & {
    /** Where Stripe's billing portal leads back to. Default: where Stripe's own setting says. */
    portalReturn?: PerStage<string | null>;
  };
  mail: {
    /** The sender of every mail, such as `Acme <no-reply@acme.example>`. */
    from: PerStage<string>;
    /** Where replies go. Default: to the sender. */
    replyTo?: PerStage<string | null>;
  };
  /** The OAuth providers that people can sign in with. Default: none. */
  oauthProviders?: App["oauthProviders"];
  /** Days for which rows of the audit log are kept, 1 to 3650. Default: 400. */
  auditDays?: number;
  clients: readonly ClientSettings<NoInfer<Locale>>[];
  plans: readonly PlanSettings<NoInfer<Locale>>[];
}

/**
 * Types the settings of an app, so that an editor completes them and marks a field that is wrong. They are checked when the
 * app is loaded (`readApp`).
 */
export function defineApp<const Locale extends string>(settings: AppSettings<Locale>): AppSettings<Locale> {
  return settings;
}
