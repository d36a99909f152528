import messages from "#app/messages.ts";
import {
  type BillingSettings,
  billingVariables,
  readBilling,
  webhookVariables,
} from "#core/billing/config.ts";
import { BillingPortal } from "#core/billing/subscriptions/billing_portal.ts";
import { Captcha, captchaVariables } from "#core/captcha/captcha.ts";
import { OAuthClients } from "#core/clients/oauth_clients.ts";
import { type Environment, readConfig } from "#core/config.ts";
import type { Core, Foundation, Part } from "#core/core.ts";
import { type InternalKey, internalKeyVariables, localKeyVariables } from "#core/keys/internal_key.ts";
import { Signer, VerifyingKeys } from "#core/keys/keys_in_use.ts";
import { RefreshKeys, refreshKeyVariables } from "#core/keys/refresh_keys.ts";
import { signerVariables, verifyingKeyVariables } from "#core/keys/signing_keys.ts";
import { mailVariables } from "#core/messages/config.ts";
import { Mailer } from "#core/messages/mailer.ts";
import { Texter } from "#core/messages/texter.ts";
import { FactorKeys, factorKeyVariables } from "#core/mfa/factor_keys.ts";
import { NewsBoard } from "#core/news/news_items.ts";
import { PasswordHasher } from "#core/passwords/password_hasher.ts";
import { Peppers, pepperVariables } from "#core/passwords/peppers.ts";
import { configuredLimits, rateLimitVariables } from "#core/rate_limits/limits.ts";
import { RateLimiter } from "#core/rate_limits/rate_limiter.ts";
import { Outboxes } from "#core/repositories/outboxes.ts";
import { PersonalDocuments } from "#core/repositories/personal_documents.ts";
import { awsVariables } from "#core/services/aws.ts";
import { BreachedPasswords, hibpVariables } from "#core/services/hibp.ts";
import { Ses } from "#core/services/ses.ts";
import { Sns, smsVariables } from "#core/services/sns.ts";
import { openStripe, type StripeApi, stripeVariables } from "#core/services/stripe.ts";
import { issuerVariables } from "#core/sessions/access_token.ts";
import { CodeKey, codeVariables } from "#core/verifications/code_key.ts";

/** The registered OAuth clients. */
export const oauthClients = {
  variables: {},
  open: (_environment: Environment, { core }: Foundation) =>
    new OAuthClients(core.app.clients, core.stage, core.app.urls.landing),
} satisfies Part<OAuthClients>;

/** The `iss` claim of our tokens. */
export const issuer = {
  variables: issuerVariables,
  open: (environment: Environment) => readConfig(issuerVariables, environment).ISSUER,
} satisfies Part<string>;

/** Verifies our tokens with public keys. */
export const verifyingKeys = {
  variables: verifyingKeyVariables,
  open: (environment: Environment) =>
    new VerifyingKeys(readConfig(verifyingKeyVariables, environment).SIGNING_KEYS),
} satisfies Part<VerifyingKeys>;

/** Signs tokens. The only part with a private key. */
export const signer = {
  variables: signerVariables,
  open: (environment: Environment) => new Signer(readConfig(signerVariables, environment).SIGNING_KEYS),
} satisfies Part<Signer>;

/** Recognizes internal callers: the hashes of their keys. */
export const internalKeys = {
  variables: internalKeyVariables,
  open: (environment: Environment) => readConfig(internalKeyVariables, environment).INTERNAL_KEYS,
} satisfies Part<readonly InternalKey[]>;

/** The internal key of the local stack; null on every other stage, also if the variable is set there. */
export const localKey = {
  variables: localKeyVariables,
  open: (environment: Environment, { core: { stage } }: Foundation) =>
    stage === "local" ? (readConfig(localKeyVariables, environment).LOCAL_INTERNAL_KEY ?? null) : null,
} satisfies Part<string | null>;

/** Enforces rate limits. */
export const rateLimiter = {
  variables: rateLimitVariables,
  open(environment: Environment, { core }: Foundation) {
    const config = readConfig(rateLimitVariables, environment);
    return new RateLimiter(core.limitWindows, config.RATE_LIMIT_KEY, {
      configured: configuredLimits(config),
      log: core.log,
      random: core.random,
    });
  },
} satisfies Part<RateLimiter>;

/** Sends mail. */
export const mailer = {
  // esbuild treats a spread as a side effect and would bundle this part into every function.
  variables: /* @__PURE__ */ Object.assign({}, awsVariables, mailVariables),
  awsActions: ["ses:SendEmail"],
  open(environment: Environment, { core: { app, stage } }: { core: Pick<Core, "app" | "stage"> }) {
    const config = readConfig(mailVariables, environment);
    const ses = new Ses(environment, config.MAIL_CONFIGURATION_SET);
    const from = config.MAIL_FROM ?? app.mail.from[stage];
    const replyTo = config.MAIL_REPLY_TO ?? app.mail.replyTo[stage] ?? undefined;
    return new Mailer(ses, { from, replyTo, app, messages });
  },
} satisfies Part<Mailer>;

/** Sends codes by SMS. */
export const texter = {
  variables: /* @__PURE__ */ Object.assign({}, awsVariables, smsVariables),
  awsActions: ["sns:Publish"],
  open(environment: Environment, { core: { app } }: { core: Pick<Core, "app"> }) {
    const { SMS_SENDER_ID } = readConfig(smsVariables, environment);
    return new Texter(new Sns(environment, SMS_SENDER_ID), { app, messages });
  },
} satisfies Part<Texter>;

/** Makes and checks codes. They share the key of the rate limits, which every function that needs it has. */
export const codeKey = {
  variables: codeVariables,
  open: (environment: Environment) => new CodeKey(readConfig(codeVariables, environment).RATE_LIMIT_KEY),
} satisfies Part<CodeKey>;

/** Checks CAPTCHA tokens. */
export const captcha = {
  variables: captchaVariables,
  open(environment: Environment) {
    const { CAPTCHA_SECRETS, CAPTCHA_VERIFY_URL } = readConfig(captchaVariables, environment);
    return new Captcha(CAPTCHA_SECRETS, CAPTCHA_VERIFY_URL);
  },
} satisfies Part<Captcha>;

/** Hashes and compares passwords. The only part with a native add-on. */
export const passwordHasher = {
  variables: pepperVariables,
  open: (environment: Environment) =>
    new PasswordHasher(new Peppers(readConfig(pepperVariables, environment).PASSWORD_PEPPERS)),
} satisfies Part<PasswordHasher>;

/** Finds passwords that were in a breach. */
export const breachedPasswords = {
  variables: hibpVariables,
  open: (environment: Environment) => new BreachedPasswords(readConfig(hibpVariables, environment).HIBP_URL),
} satisfies Part<BreachedPasswords>;

/** Encrypts and decrypts the seeds of authenticator apps. */
export const factorKeys = {
  variables: factorKeyVariables,
  open: (environment: Environment) => new FactorKeys(readConfig(factorKeyVariables, environment).FACTOR_KEYS),
} satisfies Part<FactorKeys>;

/** Rotates refresh tokens. */
export const refreshKeys = {
  variables: refreshKeyVariables,
  open: (environment: Environment) =>
    new RefreshKeys(readConfig(refreshKeyVariables, environment).REFRESH_KEYS),
} satisfies Part<RefreshKeys>;

/** Finds events on the documents that they changed. */
export const outboxes = {
  variables: {},
  open: (_environment: Environment, { mongo }: Foundation) => new Outboxes(mongo.database),
} satisfies Part<Outboxes>;

/** Reads and erases the documents of one user. */
export const personalDocuments = {
  variables: {},
  open: (_environment: Environment, { mongo }: Foundation) => new PersonalDocuments(mongo.database),
} satisfies Part<PersonalDocuments>;

/** Caches the news items. */
export const newsBoard = { variables: {}, open: () => new NewsBoard() } satisfies Part<NewsBoard>;

/** Calls Stripe. */
export const stripe = { variables: stripeVariables, open: openStripe } satisfies Part<StripeApi>;

/** Creates links to Stripe's billing portal. */
export const billingPortal = {
  variables: stripeVariables,
  open: (environment: Environment, { core: { app, stage } }: Foundation) =>
    new BillingPortal(openStripe(environment), app.urls.portalReturn[stage]),
} satisfies Part<BillingPortal>;

/** The plans that the app sells, and how subscriptions are treated. */
export const billing = {
  variables: billingVariables,
  open: (environment: Environment, { core }: Foundation) => readBilling(environment, core.app),
} satisfies Part<BillingSettings>;

/** Secrets that verify the signature of Stripe's webhooks. */
export const webhookSecrets = {
  variables: webhookVariables,
  open: (environment: Environment) => readConfig(webhookVariables, environment).STRIPE_WEBHOOK_SECRETS,
} satisfies Part<readonly string[]>;
