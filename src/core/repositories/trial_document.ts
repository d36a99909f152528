/** The two calls to Stripe that create a trial. */
export type TrialStep = "customer" | "subscription";

/** A trial. An address, a device's fingerprint and a `beak_id` have at most one. */
export interface Trial {
  /** trial_<ksuid> */
  _id: string;
  userId: string;
  stpProductId: string | null;
  stpSubscriptionId: string | null;
  stpCustomerId: string | null;
  startsAt: string | null;
  endsAt: string | null;
  /** The device that requested it first. */
  device: { beakId: string; fingerprint: string };
  createdAt: string;
  updatedAt: string | null;
  /** Normalized, as in `identifiers`. */
  identifierValue: string;
  /** Every device that requested it. No other trial can claim these devices. */
  beakIds: string[];
  fingerprints: string[];
  /** Part of Stripe's idempotency keys. Raised when Stripe has stored a failure under the previous key. */
  attempts: Record<TrialStep, number>;
  /** When the current attempts began. Stripe forgets a key after a day. */
  attemptedAt: string;
  /** When a link of this trial was redeemed. Until then the trial is open (contract 1.3). */
  redeemedAt: string | null;
  /**
   * First sign-in of the address since the trial started. A renewal sets it to the renewal's time if it was set before.
   */
  signedInAt: string | null;
}
