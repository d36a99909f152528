import type { Outbox } from "#core/repositories/outbox.ts";

/** The calls to Stripe that create a trial, and the call that moves its end when it is first used. */
export type TrialStep = "customer" | "subscription" | "extension";

/** Whose trial is being removed. */
export interface TrialRemoval {
  isPending: true;
  userId: string;
  /** Normalized. */
  identifierValue: string;
  /** ISO. Until then one run works on the removal, and no other run does. Absent if no run does. */
  leasedUntil?: string;
  /** ISO. When a run last tried to finish the removal and could not. Absent before that, and in earlier releases. */
  triedAt?: string;
}

/** A trial. An address, a device's fingerprint and a `beak_id` have at most one. */
export interface Trial extends Outbox {
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
  /** The device that requested it first, and the newest of the others: at most 20. No other trial can claim these devices. */
  beakIds: string[];
  fingerprints: string[];
  /** Part of Stripe's idempotency keys. Raised when Stripe has stored a failure under the previous key. */
  attempts: Record<"customer" | "subscription", number> & { extension?: number };
  /** When the current attempts began. Stripe forgets a key after a day. */
  attemptedAt: string;
  /** When a link of this trial was redeemed. Until then the trial is open (contract 1.3). */
  redeemedAt: string | null;
  /**
   * When the trial first granted access: at a status call of 2021-10-06 or later. Set once (contract 1.7). Earlier
   * releases did not store it: `isUsed` reads such documents.
   */
  usedAt?: string | null;
  /**
   * When a heartbeat of 2020-12-14 first reported the trial as usable. The heartbeat does not use a trial, but a trial that
   * it reported is not renewed: otherwise an app that sends only heartbeats would have trials without end.
   */
  grantedAt?: string | null;
  /**
   * The end that Stripe does not have yet. Set with `usedAt`, null once Stripe has it or its subscription can't get it. It
   * stays if Stripe ended the trial first: the trial may start again until then. Absent like `usedAt`.
   */
  pendingEndsAt?: string | null;
  /**
   * When it was claimed, or claimed again after it ended unused. Absent in documents of earlier releases: `createdAt`.
   */
  claimedAt?: string;
  /**
   * The network that claimed it, as an HMAC: a key of the rate limiter. Removed when the trial is redeemed and counted for
   * this network. Earlier releases did not store it.
   */
  claimNetwork?: string;
  /**
   * Whether the device that claimed it had signed in with the address before, or such a device asked for it since.
   * Until then, or until a link of the trial is redeemed, the trial grants nothing to older sessions (contract 1.7).
   * Earlier releases did not store it.
   */
  isFromKnownDevice?: boolean;
  /**
   * Present while the trial is being removed: who it belonged to. The trial itself then names nobody, so that the address
   * and its devices can have another. The next run of the job finishes a removal that stopped.
   */
  removal?: TrialRemoval;
  /** First sign-in of the address. Written with `usedAt`, because the previous release decides by it. */
  signedInAt: string | null;
}
