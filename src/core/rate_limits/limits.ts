import { optional, refine, string } from "zod/mini";
import { DAY, HOUR, MINUTE } from "#core/clock.ts";
import { integer, secret } from "#core/config.ts";
import type { Pause } from "#core/repositories/window_pipeline.ts";

const calls = optional(integer(0, 1_000_000_000));

/** The allowed calls of each window; 0 disables a limit. No variable changes the length of a window (contract 1.7). */
export const rateLimitVariables = {
  RATE_LIMIT_KEY: secret(string().check(refine((key) => key.length >= 32))),
  LIMIT_LINKS_PER_ADDRESS_AND_NETWORK: calls,
  LIMIT_LINKS_PER_ADDRESS: calls,
  LIMIT_LINKS_PER_KNOWN_DEVICE: calls,
  LIMIT_LINKS_PER_NETWORK: calls,
  LIMIT_TRIAL_REQUESTS_PER_NETWORK: calls,
  LIMIT_NEW_TRIALS_PER_NETWORK: calls,
  LIMIT_FAILURES_PER_NETWORK: calls,
  LIMIT_PASSKEY_CHALLENGES_PER_NETWORK: calls,
  LIMIT_MAILS_PER_HOUR: calls,
  LIMIT_CODES_PER_IDENTIFIER: calls,
  LIMIT_SMS_PER_NUMBER_AND_NETWORK: calls,
  LIMIT_SMS_PER_NUMBER: calls,
  LIMIT_SMS_PER_RANGE: calls,
  LIMIT_SMS_PER_DAY: calls,
  LIMIT_CODE_FAILURES_PER_IDENTIFIER_AND_NETWORK: calls,
  LIMIT_CODE_FAILURES_PER_IDENTIFIER: calls,
  LIMIT_PASSWORD_FAILURES_PER_IDENTIFIER_AND_NETWORK: calls,
  LIMIT_PASSWORD_FAILURES_PER_NETWORK: calls,
  LIMIT_REGISTRATIONS_PER_NETWORK: calls,
  LIMIT_VERIFICATION_FAILURES_PER_NETWORK: calls,
  LIMIT_ADDED_USERS_PER_ACCOUNT: calls,
  LIMIT_OAUTH_VISITS_PER_NETWORK: calls,
};

/** The length of each limit's window, and the calls that it allows by default. */
export const LIMITS = {
  links_per_address_and_network: { seconds: DAY, calls: 10 },
  links_per_address: { seconds: DAY, calls: 30 },
  /** Links of an address after its daily limit is used up. No variable changes this limit. */
  links_after_daily_limit: { seconds: HOUR, calls: 1 },
  links_per_known_device: { seconds: DAY, calls: 10 },
  links_per_network: { seconds: HOUR, calls: 30 },
  trial_requests_per_network: { seconds: DAY, calls: 30 },
  new_trials_per_network: { seconds: DAY, calls: 5 },
  failures_per_network: { seconds: MINUTE, calls: 60 },
  /** Challenges for sign-ins with passkeys: each is stored. */
  passkey_challenges_per_network: { seconds: MINUTE, calls: 60 },
  mails_per_hour: { seconds: HOUR, calls: 10_000 },
  /** The time until another code can be requested for an address or number. */
  codes_per_identifier: { seconds: MINUTE, calls: 1 },
  sms_per_number_and_network: { seconds: DAY, calls: 5 },
  sms_per_number: { seconds: DAY, calls: 10 },
  /** Numbers that differ in the last three digits only, have never signed in, and are not of an active second factor. */
  sms_per_range: { seconds: DAY, calls: 10 },
  sms_per_day: { seconds: DAY, calls: 1_000 },
  /** Half of `sms_per_day`: the other half is kept for numbers that have signed in, or are of an active second factor. No variable changes it by itself. */
  sms_to_new_numbers: { seconds: DAY, calls: 500 },
  code_failures_per_identifier_and_network: { seconds: DAY, calls: 20 },
  code_failures_per_identifier: { seconds: DAY, calls: 100 },
  /** Failures of a device that has signed in with the identifier, after the shared limits are used up. No variable. */
  code_failures_per_known_device: { seconds: DAY, calls: 20 },
  /** Wrong codes of second factors in the step-ups of a session. No variable. */
  code_failures_per_session: { seconds: DAY, calls: 20 },
  /** Wrong passwords. After them, one more is compared after each pause, which doubles. A correct password resets the count. */
  password_failures_per_identifier_and_network: {
    seconds: 15 * MINUTE,
    calls: 10,
    pause: { first: 30, longest: HOUR },
  },
  password_failures_per_network: { seconds: HOUR, calls: 100 },
  /** Wrong passwords of a device that has signed in with the identifier, after the other limits are used up. No variable. */
  password_failures_per_known_device: {
    seconds: 15 * MINUTE,
    calls: 10,
    pause: { first: 30, longest: HOUR },
  },
  /** Wrong passwords until clients with a CAPTCHA require it. It refuses nothing. A correct password resets it. No variable. */
  passwords_without_captcha: { seconds: DAY, calls: 3 },
  /** It refuses nothing: its write takes the time of the write that counts a failure on a user's password. No variable. */
  passwords_without_user: { seconds: 15 * MINUTE, calls: 1_000_000_000 },
  registrations_per_network: { seconds: HOUR, calls: 10 },
  /** Mails about new devices. Who has the password could sign in from any number of devices. No variable. */
  device_notices_per_user: { seconds: DAY, calls: 10 },
  /** Tokens and codes that `reset_password`, `check_verification` and `verify_identifier` refused. */
  verification_failures_per_network: { seconds: HOUR, calls: 30 },
  /** Users whom members add to an account or invite. */
  added_users_per_account: { seconds: HOUR, calls: 20 },
  /** The same, over all accounts of the member. No variable. */
  added_users_per_user: { seconds: HOUR, calls: 40 },
  /** Visits at OAuth providers that begin. Each stores a document, and its answer asks the provider. */
  oauth_visits_per_network: { seconds: HOUR, calls: 100 },
} as const;

export type LimitName = keyof typeof LIMITS;

/** The pauses of a limit after its window is full; undefined if it refuses calls until the window ends. */
export const pauseOf = (name: LimitName): Pause | undefined => {
  const limit: { seconds: number; pause?: Pause } = LIMITS[name];
  return limit.pause;
};

export const LIMIT_NAMES = Object.keys(LIMITS) as LimitName[];

/** Limits whose counts are never released. A full window of such a limit stays full until it ends, so it can be cached. */
export const NEVER_RELEASED: ReadonlySet<LimitName> = new Set([
  "links_per_network",
  "trial_requests_per_network",
  "failures_per_network",
  "passkey_challenges_per_network",
  "registrations_per_network",
  "oauth_visits_per_network",
]);

export type ConfiguredLimits = Partial<Record<LimitName, number | undefined>>;

/** The allowed calls that an environment configures, by limit. */
export function configuredLimits(
  config: {
    [Name in Uppercase<`limit_${LimitName}`>]?: number | undefined;
  },
): ConfiguredLimits {
  const configured: ConfiguredLimits = Object.fromEntries(
    LIMIT_NAMES.map((name) => [name, config[`LIMIT_${name.toUpperCase()}` as keyof typeof config]]),
  );
  const { sms_per_day: perDay } = configured;
  return perDay === undefined ? configured : { ...configured, sms_to_new_numbers: Math.ceil(perDay / 2) };
}

/**
 * Whose calls one document counts: a limit, and a value such as a mailbox or a network. The document also has the windows
 * of related limits. Only an HMAC of the subject is stored.
 */
export type Subject = readonly [limit: LimitName, ...subject: string[]];

/**
 * A window in the document of a subject. If the document has several windows of a limit, the other elements
 * distinguish them: `links_per_address_and_network` has one window for each network.
 */
export type Window = readonly [limit: LimitName, ...part: string[]];

/**
 * Windows that count a call together or not at all. Each inner list has alternatives: the first window that is not full
 * counts the call. The group refuses a call if every alternative of a list is full.
 */
export type LimitGroup = readonly (readonly Window[])[];
