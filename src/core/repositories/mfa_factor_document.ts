import type { MfaFactorType } from "#core/app/mfa_settings.ts";
import type { Outbox } from "#core/repositories/outbox.ts";
import type { Passkey } from "#core/repositories/passkey.ts";
import type { Attempt } from "#core/repositories/redeemable.ts";

/** `totp`: an authenticator app. `sms`, `email`: a code that is sent. `webauthn`: a passkey. */
export type FactorType = MfaFactorType;

/** A second factor of a user. */
export interface MfaFactor extends Outbox {
  /** mfafac_<ksuid> */
  _id: string;
  userId: string;
  factorType: FactorType;
  /** What the user calls it; null: nothing. */
  name: string | null;
  /** `pending`: the user has not presented its first code or passkey yet. `active`: sign-ins require it. */
  status: "pending" | "active" | "removed";
  /** The seed of `totp`, encrypted with a key of FACTOR_KEYS. Absent from other types and from removed factors. */
  seed?: string;
  /** The time step of the last accepted code of `totp`. Codes of it and of earlier steps are refused. */
  lastStep?: number;
  /** The challenge that accepted `lastStep`, which may present it again. */
  lastStepBy?: string;
  /** The number of `sms` or the address of `email`, normalized. */
  identifierValue?: string;
  /** The country of a number (ISO 3166-1). */
  country?: string | null;
  /** HMAC of the code that was sent to enrol a factor of type `sms` or `email`. */
  codeHash?: string;
  /** What `webauthn` is. Absent from other types, while it is pending, and from removed factors. */
  passkey?: Passkey;
  /** SHA-256 of the challenge that a pending factor of type `webauthn` must sign. */
  challengeHash?: string;
  /** Codes that were presented while it was pending. They are counted before they are compared. */
  attempts: number;
  createdAt: string;
  /** When it can't be verified any more. */
  expiresAt: string;
  activatedAt: string | null;
  /**
   * The session or challenge that activated it, so that its call can be repeated if it stopped halfway; its last attempt, without which
   * two calls could both issue recovery codes; and whether a call came to its end: then a repeated call issues none.
   */
  activation?: Partial<Attempt> & { by: string; isComplete?: true };
  lastUsedAt: string | null;
  removedAt: string | null;
  /** A BSON date; absent while it is active. */
  purgeAt?: Date;
}

/** An accepted time step, and the challenge that presented it. */
export interface UsedStep {
  step: number;
  by: string;
  now: string;
}

/** How a factor is activated. */
export interface FactorActivation {
  /** What the user presented: a code of this time step, a new passkey, or a code that was sent. */
  proof: { step?: number; passkey?: Passkey };
  activation: NonNullable<MfaFactor["activation"]>;
  now: string;
}
