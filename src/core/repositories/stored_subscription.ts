import type { Subscription } from "#core/repositories/subscriptions.ts";

/** A document as the predecessor wrote it: it knows nothing of what we added. */
export type StoredSubscription = Omit<Subscription, keyof Added> & Partial<Added>;
type Added = Pick<
  Subscription,
  | "isOtherProduct"
  | "trialId"
  | "stpCreatedAt"
  | "version"
  | "rejectedAt"
  | "isRejectedSilently"
  | "refundedAt"
  | "disputedAt"
  | "disputeStatus"
  | "disputes"
  | "mails"
  | "cardFingerprints"
  | "cardSeenBeforeAt"
>;

/** Fills what a document of the predecessor lacks: nothing was rejected, and its owner was welcomed long ago. */
export function complete(stored: StoredSubscription): Subscription;
export function complete(stored: StoredSubscription | null): Subscription | null;
export function complete(stored: StoredSubscription | null): Subscription | null {
  if (!stored) return null;
  const { createdAt } = stored;
  // The predecessor's documents don't say when Stripe made it.
  const welcomed = stored.stpCreatedAt ? {} : { welcome: { claimedAt: createdAt, sentAt: createdAt } };
  return {
    isOtherProduct: false,
    trialId: null,
    stpCreatedAt: createdAt,
    version: 0,
    rejectedAt: null,
    isRejectedSilently: false,
    refundedAt: null,
    disputedAt: null,
    disputeStatus: null,
    disputes: [],
    cardFingerprints: [],
    cardSeenBeforeAt: null,
    ...stored,
    mails: { ...welcomed, ...stored.mails },
  };
}
