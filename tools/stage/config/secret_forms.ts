import { tlsRefusal } from "#core/services/database_tls.ts";

/** Says what is wrong with the form of a secret, or null. The sentence never quotes the value. */
type Form = (value: string) => string | null;

const matches =
  (shape: RegExp, problem: string): Form =>
  (value) =>
    shape.test(value) ? null : problem;

/** Checks each value of a comma-separated list. */
const each =
  (form: Form): Form =>
  (value) => {
    const problems = value.split(",").map((part) => form(part.trim()));
    const first = problems.findIndex((problem) => problem !== null);
    if (first < 0) return null;
    return problems.length === 1 ? (problems[first] ?? null) : `value ${first + 1} ${problems[first]}`;
  };

/** Checks JSON with `judge`, which gets the parsed value. */
const jsonOf =
  (example: string, isOfForm: (parsed: unknown) => boolean): Form =>
  (value) => {
    try {
      return isOfForm(JSON.parse(value)) ? null : `must be ${example}`;
    } catch {
      return `is not JSON; it must be ${example}`;
    }
  };

const hasEach = (list: unknown, fields: readonly string[]): boolean =>
  Array.isArray(list) &&
  list.length > 0 &&
  list.every((item) =>
    fields.every((field) => typeof (item as Record<string, unknown>)?.[field] === "string"),
  );

const isTexts = (all: unknown): boolean =>
  typeof all === "object" &&
  all !== null &&
  !Array.isArray(all) &&
  Object.values(all).every((value) => typeof value === "string" && value !== "");

/** An object for each provider. The functions check the fields, which the provider's preset decides. */
const hasCredentials = (all: unknown): boolean =>
  typeof all === "object" &&
  all !== null &&
  !Array.isArray(all) &&
  Object.values(all).every((held) => typeof held === "object" && held !== null && "clientId" in held);

function mongoForm(uri: string): string | null {
  return /^mongodb(\+srv)?:\/\//.test(uri) ? tlsRefusal(uri) : "must start with mongodb:// or mongodb+srv://";
}

function stripeKeyForm(key: string): string | null {
  if (key.startsWith("pk_"))
    return "is a publishable key; put the secret key (sk_...) or a restricted key (rk_...)";
  if (key.startsWith("whsec_")) return "is a webhook secret; put it as STRIPE_WEBHOOK_SECRETS";
  return STRIPE_KEY(key);
}

const STRIPE_KEY = matches(
  /^[sr]k_(test|live)_\w{16,}$/,
  "must be one Stripe key: sk_test_..., sk_live_..., rk_test_... or rk_live_...",
);
const INTERNAL_HASHES = each(
  matches(/^[0-9a-f]{64}$/, "must be the SHA-256 of a key, 64 lower-case hex digits"),
);
const INTERNAL_LIST = jsonOf(
  "a list of keys, each with name and hash; `config add INTERNAL_KEYS` writes it",
  (keys) => hasEach(keys, ["name", "hash"]),
);

const FORMS: Readonly<Record<string, Form>> = {
  MONGODB_URI: mongoForm,
  STRIPE_SECRET_KEY: stripeKeyForm,
  STRIPE_WEBHOOK_SECRETS: each(matches(/^whsec_\w{16,}$/, "must be a webhook secret: whsec_...")),
  SIGNING_KEYS: jsonOf(
    'a set of signing keys: {"keys":[...]} with kid, kty, x, y and state; `config make` generates it',
    (set) => hasEach((set as { keys?: unknown } | null)?.keys, ["kid", "kty", "x", "y", "state"]),
  ),
  REFRESH_KEYS: jsonOf(
    'a list of refresh keys: [{"id":"1","key":"<64 hex>"}]; `config make` generates it',
    (keys) => hasEach(keys, ["id", "key"]),
  ),
  PASSWORD_PEPPERS: jsonOf(
    'a list of peppers: [{"id":"1","key":"<64 hex>"}]; `config make` generates it',
    (keys) => hasEach(keys, ["id", "key"]),
  ),
  WEBHOOK_KEYS: jsonOf('a list of keys: [{"id":"1","key":"<64 hex>"}]; `config make` generates it', (keys) =>
    hasEach(keys, ["id", "key"]),
  ),
  FACTOR_KEYS: jsonOf('a list of keys: [{"id":"1","key":"<64 hex>"}]; `config make` generates it', (keys) =>
    hasEach(keys, ["id", "key"]),
  ),
  INTERNAL_KEYS: (value) => (value.startsWith("[") ? INTERNAL_LIST(value) : INTERNAL_HASHES(value)),
  CAPTCHA_SECRETS: jsonOf(
    'an object of secrets: {"<secretRef>":"<secret>"}; `config make` writes an empty one',
    (all) => isTexts(all),
  ),
  OAUTH_CREDENTIALS: jsonOf(
    'an object: {"<provider>":{"clientId":"...","clientSecret":"..."}}; `config make` writes an empty one',
    hasCredentials,
  ),
  RATE_LIMIT_KEY: matches(/^.{32,}$/, "must have at least 32 characters"),
};

/**
 * Returns what is wrong with the form of a secret, or null. A wrong form is what a person pastes by mistake: another
 * secret, quotation marks, half of a value.
 * @param value the secret; no message quotes it
 */
export function formProblem(name: string, value: string): string | null {
  if (value !== value.trim()) return "begins or ends with a space or a line break";
  if (/^(["'`]).*\1$/s.test(value)) return "is in quotation marks; put it without them";
  return FORMS[name]?.(value) ?? null;
}
