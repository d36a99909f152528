import { readConfig } from "#core/config.ts";
import { internalKeyVariables } from "#core/keys/internal_key.ts";
import { parseKeySet } from "#core/keys/signing_keys.ts";
import { fits, type Inventory, type ParameterSpec } from "#tools/stage/config/inventory.ts";
import { formProblem } from "#tools/stage/config/secret_forms.ts";
import type { StageName } from "#tools/stage/settings.ts";

/** Secrets that are public: in Stripe's documentation, in Nest's, or in the local stack. */
const PUBLISHED = [
  "sk_test_4eC39HqLyjWDarjtT1zdp7dc",
  "sk_test_BQokikJOvBiI2HlWgH4olfQ2",
  "sk_test_26PHem9AhJZvU623DfE1x4sd",
  "sk_test_double",
  "whsec_double",
  "whsec_test_secret",
  "mongodb+srv://user:password@cluster.example.net/nest",
];

/** A random secret of the required length practically always has at least 8 different characters. */
const isGuessable = (secret: string) => new Set(secret).size < 8;

function refuseKeys(value: string): string | null {
  const keys = JSON.parse(value) as { id: string; key: string }[];
  if (keys.some(({ key }) => isGuessable(key))) return "could be guessed";
  return new Set(keys.map(({ id }) => id)).size < keys.length ? "uses an id twice" : null;
}

/** The stage that a value is for. */
export interface Target {
  stage: StageName;
  /** Whether AWS is a double on this machine; then the database may be on it as well. */
  isRehearsal: boolean;
}

type Refuse = (value: string, target: Target & Pick<Inventory, "methods">) => string | null;

const REFUSALS: Readonly<Record<string, Refuse>> = {
  MONGODB_URI: (value, { isRehearsal }) => {
    const hosts = value.replace(/^[^/]*\/\/(?:[^@/]*@)?/, "").split(/[/?]/)[0] ?? "";
    if (/(^|,)(localhost|127\.|\[::1\]|0\.0\.0\.0)/.test(hosts))
      return isRehearsal ? null : "names this machine";
    return /\.example(\.\w+)?([:,]|$)/.test(hosts) ? "names a sample host" : null;
  },
  STRIPE_SECRET_KEY: (value, { stage }) => {
    const isLive = value.includes("_live_");
    if (stage === "prod") return isLive ? null : "is a test key";
    return isLive ? "is a live key" : null;
  },
  INTERNAL_KEYS(value, { methods }) {
    const keys = readConfig(internalKeyVariables, { INTERNAL_KEYS: value }).INTERNAL_KEYS;
    const unknown = keys.flatMap((key) => key.methods ?? []).filter((method) => !methods.has(method));
    return unknown.length === 0
      ? null
      : `lists methods that do not exist: ${[...new Set(unknown)].join(", ")}`;
  },
  RATE_LIMIT_KEY: (value) => (isGuessable(value) ? "could be guessed" : null),
  REFRESH_KEYS: refuseKeys,
  PASSWORD_PEPPERS: refuseKeys,
  WEBHOOK_KEYS: refuseKeys,
  FACTOR_KEYS: refuseKeys,
  SIGNING_KEYS: (value) => {
    const { keys } = parseKeySet(JSON.parse(value));
    // A retired key verifies only, so it needs no private half.
    const isWhole = keys.every(({ d, state }) => d !== undefined || state === "retired");
    return isWhole ? null : "lacks a private half";
  },
};

/**
 * Returns why a value of a parameter must not be deployed, or null if it may: its form is wrong, a function would refuse
 * it, or it is a published sample, guessable or of another stage.
 * @param spec the parameter as functions declare it
 * @returns a phrase that follows the parameter's name and never quotes the value
 */
export function refuse(
  spec: ParameterSpec,
  value: string,
  { stage, isRehearsal, methods }: Target & Pick<Inventory, "methods">,
): string | null {
  const isPublished = PUBLISHED.some((sample) => value.split(",").some((part) => part.trim() === sample));
  if (isPublished) return "is a published sample";
  const problem = formProblem(spec.name, value);
  if (problem) return problem;
  if (!fits(spec, value)) return "invalid; .env.example describes the required format";
  return REFUSALS[spec.name]?.(value, { stage, isRehearsal, methods }) ?? null;
}
