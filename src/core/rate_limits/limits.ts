import { optional, refine, string } from "zod/mini";
import { DAY, HOUR, MINUTE } from "#core/clock.ts";
import { integer, secret } from "#core/config.ts";

const points = optional(integer(0, 1_000_000_000));

/** Allowed calls per window; 0 disables a limit. Windows are fixed by contract 1.7. */
export const rateLimitVariables = {
  RATE_LIMIT_KEY: secret(string().check(refine((key) => key.length >= 32))),
  LIMIT_LINKS_PER_ADDRESS_AND_NETWORK: points,
  LIMIT_LINKS_PER_ADDRESS: points,
  LIMIT_LINKS_PER_KNOWN_DEVICE: points,
  LIMIT_LINKS_PER_NETWORK: points,
  LIMIT_TRIAL_REQUESTS_PER_NETWORK: points,
  LIMIT_NEW_TRIALS_PER_NETWORK: points,
  LIMIT_FAILURES_PER_NETWORK: points,
  LIMIT_MAILS_PER_HOUR: points,
};

export const LIMITS = {
  links_per_address_and_network: { seconds: DAY, points: 10 },
  links_per_address: { seconds: DAY, points: 30 },
  /** Links of an address after its daily limit is used up. No variable changes this limit. */
  links_after_daily_limit: { seconds: HOUR, points: 1 },
  links_per_known_device: { seconds: DAY, points: 10 },
  links_per_network: { seconds: HOUR, points: 30 },
  trial_requests_per_network: { seconds: DAY, points: 30 },
  new_trials_per_network: { seconds: DAY, points: 5 },
  failures_per_network: { seconds: MINUTE, points: 60 },
  mails_per_hour: { seconds: HOUR, points: 10_000 },
} as const;

export type LimitName = keyof typeof LIMITS;
export const LIMIT_NAMES = Object.keys(LIMITS) as LimitName[];

/**
 * Limits whose counts are never released. Once such a window is full, it stays full until it ends, so an instance that
 * saw it full need not ask the database again.
 */
export const NEVER_RELEASED: ReadonlySet<LimitName> = new Set([
  "links_per_network",
  "trial_requests_per_network",
  "failures_per_network",
]);

export type ConfiguredLimits = Partial<Record<LimitName, number | undefined>>;

/** The limits that an environment overrides. */
export function configuredLimits(
  config: {
    [Name in Uppercase<`limit_${LimitName}`>]?: number | undefined;
  },
): ConfiguredLimits {
  return Object.fromEntries(
    LIMIT_NAMES.map((name) => [name, config[`LIMIT_${name.toUpperCase()}` as keyof typeof config]]),
  );
}

/** What one document counts, such as the links of a mailbox. Only an HMAC of it is stored. */
export type Subject = readonly [limit: LimitName, ...subject: string[]];

/** A window of a subject's document. A limit that has many windows there names what each is for, such as a network. */
export type Window = readonly [limit: LimitName, ...part: string[]];

/** Limits that count a call together or not at all. Of each list of alternatives, the first with room counts it. */
export type LimitGroup = readonly (readonly Window[])[];
