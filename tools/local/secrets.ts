import { existsSync } from "node:fs";
import { chmod, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import app from "#app";
import { appFolder } from "#app/load_app.ts";
import type { App } from "#core/app/app.ts";
import { nameOf } from "#core/keys/internal_key.ts";
import { generateKeySet } from "#core/keys/key_rotation.ts";
import type { StoredKeySet } from "#core/keys/signing_keys.ts";
import { hashSecret, newSecret } from "#core/secrets.ts";
import { LOCAL_OAUTH_CREDENTIALS } from "#tools/local/oauth_double.ts";
import { withSampleClients } from "#tools/local/sample_clients.ts";
import { LOCAL_CAPTCHA_SECRET } from "#tools/local/siteverify_double.ts";

/** The secrets of one machine's local stack, generated on first use and kept with its data. */
export interface LocalSecrets {
  internalKey: string;
  /** The root token of the adapter static_backend: an internal key that creates codes for new passwords, and can do nothing else. */
  rootToken: string;
  signingKeys: StoredKeySet;
  refreshKey: string;
  rateLimitKey: string;
  passwordPepper: string;
  webhookKey: string;
  factorKey: string;
}

/** Generates the secrets of a new local stack. */
export async function makeSecrets(): Promise<LocalSecrets> {
  return {
    internalKey: newSecret(),
    rootToken: newSecret(),
    signingKeys: await generateKeySet(new Date()),
    refreshKey: newSecret(),
    rateLimitKey: newSecret(),
    passwordPepper: newSecret(),
    webhookKey: newSecret(),
    factorKey: newSecret(),
  };
}

/** Reads the secrets of a data folder. Generates and stores those that it lacks. */
export async function loadSecrets(folder: string): Promise<LocalSecrets> {
  const path = join(folder, "secrets.json");
  const stored: Partial<LocalSecrets> = existsSync(path) ? JSON.parse(await readFile(path, "utf8")) : {};
  // A folder of an earlier version lacks the secrets that were added since.
  const secrets = { ...(await makeSecrets()), ...stored };
  if (Object.keys(secrets).every((name) => name in stored)) return secrets;
  await mkdir(folder, { recursive: true });
  // Rename in one step: a start that is killed here must not leave a partial file.
  const next = `${path}.next`;
  await writeFile(next, JSON.stringify(secrets, null, 2), { mode: 0o600 });
  await chmod(next, 0o600);
  await rename(next, path);
  return secrets;
}

/** How a local stack reaches Stripe. Price and products replace those of the app. */
export interface LocalStripe {
  url: string | undefined;
  secretKey: string;
  webhookSecret: string;
  priceId?: string;
  productIds?: string;
}

/**
 * Builds the environment of a local stack. Rate limits per network are off, so that scripts can run; limits per email
 * address stay on.
 * @param parts.settings replace defaults, also those of limits
 */
export function localEnvironment(
  secrets: LocalSecrets,
  parts: {
    issuer: string;
    mongoUri: string;
    sesUrl: string;
    /** Absent: SMS can't be sent. */
    snsUrl?: string;
    /** Absent: no CAPTCHA can be checked. */
    siteverifyUrl?: string;
    /** Absent: no OAuth provider can be used. */
    oauthUrl?: string;
    /** Absent: passwords are not compared with breaches. */
    hibpUrl?: string;
    /** A host with its port that gets webhooks although it is this machine. */
    webhookHost?: string;
    stripe: LocalStripe;
    settings?: Readonly<Record<string, string>>;
  },
): Record<string, string> {
  return {
    STAGE: "local",
    ISSUER: parts.issuer,
    MONGODB_URI: parts.mongoUri,
    AWS_ENDPOINT_URL_SESV2: parts.sesUrl,
    // Nothing may listen on port 9, so that a stack without a double sends no SMS.
    AWS_ENDPOINT_URL_SNS: parts.snsUrl ?? "http://127.0.0.1:9",
    CAPTCHA_VERIFY_URL: parts.siteverifyUrl ?? "http://127.0.0.1:9",
    CAPTCHA_SECRETS: captchaSecrets(app),
    OAUTH_PROVIDERS_URL: parts.oauthUrl ?? "http://127.0.0.1:9",
    OAUTH_CREDENTIALS: oauthCredentials(withSampleClients(app)),
    HIBP_URL: parts.hibpUrl ?? "http://127.0.0.1:9",
    AWS_REGION: "eu-west-2",
    SIGNING_KEYS: JSON.stringify(secrets.signingKeys),
    REFRESH_KEYS: JSON.stringify([{ id: "local", key: secrets.refreshKey }]),
    INTERNAL_KEYS: JSON.stringify([
      { name: nameOf(hashSecret(secrets.internalKey)), hash: hashSecret(secrets.internalKey) },
      ...[
        { name: "static_backend", hash: hashSecret(secrets.rootToken), methods: ["create_password_reset"] },
      ],
    ]),
    LOCAL_INTERNAL_KEY: secrets.internalKey,
    RATE_LIMIT_KEY: secrets.rateLimitKey,
    PASSWORD_PEPPERS: JSON.stringify([{ id: "local", key: secrets.passwordPepper }]),
    WEBHOOK_KEYS: JSON.stringify([{ id: "local", key: secrets.webhookKey }]),
    FACTOR_KEYS: JSON.stringify([{ id: "local", key: secrets.factorKey }]),
    STRIPE_URL: parts.stripe.url ?? "",
    STRIPE_SECRET_KEY: parts.stripe.secretKey,
    STRIPE_WEBHOOK_SECRETS: parts.stripe.webhookSecret,
    ...(parts.stripe.priceId && { STRIPE_PRICE_ID: parts.stripe.priceId }),
    ...(parts.stripe.productIds && { STRIPE_PRODUCT_IDS: parts.stripe.productIds }),
    LIMIT_LINKS_PER_ADDRESS_AND_NETWORK: "0",
    LIMIT_LINKS_PER_NETWORK: "0",
    LIMIT_TRIAL_REQUESTS_PER_NETWORK: "0",
    LIMIT_NEW_TRIALS_PER_NETWORK: "0",
    LIMIT_FAILURES_PER_NETWORK: "0",
    LIMIT_PASSKEY_CHALLENGES_PER_NETWORK: "0",
    LIMIT_SMS_PER_NUMBER_AND_NETWORK: "0",
    LIMIT_CODE_FAILURES_PER_IDENTIFIER_AND_NETWORK: "0",
    LIMIT_REGISTRATIONS_PER_NETWORK: "0",
    LIMIT_VERIFICATION_FAILURES_PER_NETWORK: "0",
    LIMIT_PASSWORD_FAILURES_PER_NETWORK: "0",
    LIMIT_OAUTH_VISITS_PER_NETWORK: "0",
    ...parts.settings,
    ...webhookHosts(parts.webhookHost, parts.settings?.WEBHOOK_ALLOW_HOSTS),
  };
}

/** A developer's receivers get webhooks in addition to the stack itself. */
function webhookHosts(...hosts: (string | undefined)[]): Record<string, string> {
  const named = hosts.filter((host) => host);
  return named.length > 0 ? { WEBHOOK_ALLOW_HOSTS: named.join(",") } : {};
}

/** `CAPTCHA_SECRETS` of a local stack: the double's secret for every client with a CAPTCHA. */
export function captchaSecrets(app: Pick<App, "clients">): string {
  const refs = app.clients.flatMap(({ id, captcha }) => (captcha ? [captcha.secretRef ?? id] : []));
  return JSON.stringify(Object.fromEntries(refs.map((ref) => [ref, LOCAL_CAPTCHA_SECRET])));
}

/** `OAUTH_CREDENTIALS` of a local stack: the double's credentials for every provider. */
export function oauthCredentials({ oauthProviders }: Pick<App, "oauthProviders">): string {
  return JSON.stringify(Object.fromEntries(oauthProviders.map(({ id }) => [id, LOCAL_OAUTH_CREDENTIALS])));
}

/** Selects the variables that the operator's CLI needs, and names the app: no signing keys, and no key of a real Stripe account. */
export function operatorEnvironment(
  environment: Readonly<Record<string, string>>,
  mode: "double" | "test",
): Record<string, string> {
  const isForOperators = (name: string) =>
    /^(STAGE|MONGODB_URI|MAIL_|AWS_|STRIPE_|TRIAL_|PAST_DUE_|REQUIRED_)/.test(name) &&
    !(mode === "test" && ["STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRETS"].includes(name));
  const forOperators = Object.entries(environment).filter(([name]) => isForOperators(name));
  return { ...Object.fromEntries(forOperators), NEST_APP: appFolder };
}
