import { Secret, TOTP } from "otpauth";

/** Seconds of a time step (RFC 6238, section 4.1). */
export const STEP_SECONDS = 30;
const DIGITS = 6;
/** Bytes of a seed: as long as a SHA-1 (RFC 4226, section 4). */
const SEED_BYTES = 20;
/** Steps before and after the current one that are accepted, because clocks differ (RFC 6238, section 5.2). */
const WINDOW = 1;

/** What an authenticator app shows beside its codes. */
export interface SeedLabel {
  /** The name of the app. */
  issuer: string;
  /** The user's address or number. */
  account: string;
}

const totpOf = (seed: string, { issuer, account }: SeedLabel = { issuer: "", account: "" }) =>
  new TOTP({
    ...{ issuer, label: account, secret: Secret.fromBase32(seed) },
    // Many authenticator apps know no other algorithm, length and period.
    ...{ algorithm: "SHA1", digits: DIGITS, period: STEP_SECONDS },
  });

/** A new seed: 160 random bits in 32 characters of base32. */
export const newSeed = (): string => new Secret({ size: SEED_BYTES }).base32;

/** The URI that an authenticator app reads from a picture. */
export const uriOf = (seed: string, label: SeedLabel): string => totpOf(seed, label).toString();

/** The time step of a moment. */
export const stepAt = (now: Date): number => Math.floor(now.getTime() / (STEP_SECONDS * 1000));

/**
 * Finds the time step whose code was presented (RFC 6238), among the current one and its neighbors. Whether the step was used
 * before is for the caller to decide.
 * @returns null if the code is wrong
 */
export function stepOf(seed: string, code: string, now: Date): number | null {
  if (!/^\d{6}$/.test(code)) return null;
  const delta = totpOf(seed).validate({ token: code, timestamp: now.getTime(), window: WINDOW });
  return delta === null ? null : stepAt(now) + delta;
}

/** Whether a code is that of a time step, however long ago the step was. */
export const isCodeOf = (seed: string, code: string, step: number): boolean =>
  totpOf(seed).validate({ token: code, timestamp: step * STEP_SECONDS * 1000, window: 0 }) !== null;
