import { parseKeySet } from "#core/keys/signing_keys.ts";
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

/** The stage that a value is for. */
export interface Target {
  stage: StageName;
  /** Whether AWS is a double on this machine; then the database may be on it as well. */
  isRehearsal: boolean;
}

type Refuse = (value: string, target: Target) => string | null;

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
  RATE_LIMIT_KEY: (value) => (isGuessable(value) ? "could be guessed" : null),
  REFRESH_KEYS: (value) => {
    const keys = JSON.parse(value) as { id: string; key: string }[];
    if (keys.some(({ key }) => isGuessable(key))) return "could be guessed";
    return new Set(keys.map(({ id }) => id)).size < keys.length ? "uses an id twice" : null;
  },
  SIGNING_KEYS: (value) => {
    const { keys } = parseKeySet(JSON.parse(value));
    // A retired key verifies only, so it needs no private half.
    const isWhole = keys.every(({ d, state }) => d !== undefined || state === "retired");
    return isWhole ? null : "lacks a private half";
  },
};

/**
 * Returns why a value must not be deployed although it fits its schema, such as a published sample; null if it may.
 * @param value a value that fits its schema
 */
export function refuse(name: string, value: string, target: Target): string | null {
  const isPublished = PUBLISHED.some((sample) => value.split(",").some((part) => part.trim() === sample));
  return isPublished ? "is a published sample" : (REFUSALS[name]?.(value, target) ?? null);
}
