import type { Outbox } from "#core/repositories/outbox.ts";
import type { Rejection } from "#core/repositories/subscription_document.ts";

/** The decision that a subscription is rejected, stored with the choice. It stays valid when the facts change. */
export interface RejectionDecision extends Pick<Rejection, "kind" | "keptId" | "isSameCustomer" | "status"> {
  /** No mail is sent about the rejection: a trial yielded to a paid subscription. */
  isSilent: boolean;
  decidedAt: string;
}

/** A rejection that is not complete. Earlier releases stored no facts of it. */
export interface PendingRejection extends Partial<RejectionDecision> {
  /** When the rejection began. Until then the decision is reversed if the kept subscription ends. */
  appliedAt?: string;
}

/** A user. Everything else about the user is in other collections. */
export interface User extends Outbox {
  /** user_<ksuid> */
  _id: string;
  createdAt: string;
  /**
   * The account in which the user acts unless a call names another. Absent from users whom an earlier release created, until
   * they sign in. Not in the published documents.
   */
  defaultAccountId?: string;
  /** What the user is called. Absent: not known. Not in the published documents. */
  name?: string;
  /** The language that the user chose for mails, such as `de`. Absent: the default of the client. Not in the published documents. */
  locale?: string;
  /**
   * The platform roles of the user besides `user`: the keys of built-in roles, and the ids of custom roles. Absent: none. Not in the
   * published documents.
   */
  roles?: string[];
  /**
   * `disabled`: an administrator lets the user sign in no more. `deleted`: the same, and the user can't be enabled again. Absent:
   * active. Not in the published documents.
   */
  status?: "disabled" | "deleted";
  /** When the user was disabled, ISO. Absent: the user is not. Not in the published documents. */
  disabledAt?: string;
  /** When the user was deleted, ISO. Absent: the user is not. Not in the published documents. */
  deletedAt?: string;
  /**
   * When the job goes on with a deleted user, ISO: 30 days after the deletion, or soon if the deletion is not complete. A run that
   * begins moves it on, so that of runs that overlap one does the work, and a user who can't be erased yet waits. Absent: the user is
   * not deleted. Not in the published documents.
   */
  eraseAt?: string;
  /** What the app stores with the user. Absent: nothing. Not in the published documents. */
  metadata?: Record<string, string>;
  /** When a caller last changed something of this document, ISO. Absent: never. Not in the published documents. */
  updatedAt?: string;
  /**
   * The identifiers, linked accounts and second factors that the user removed a short time ago or is removing, the oldest first. An update
   * of this field decides which of simultaneous removals are allowed, so that a user keeps a sign-in method, and a factor where a policy
   * requires it. Absent: none. Not in the published documents.
   */
  removedIdentifierIds?: string[];
  /**
   * When all sessions were last ended, and the session that stayed. Sessions whose person signed in earlier are not
   * accepted. Absent: never. Not in the published documents.
   */
  sessionsEnded?: { at: string; exceptId: string | null };
  /**
   * Present once the user has begun to add a second factor: sign-ins then read the factors. It is kept when all factors are removed.
   * Absent: the user has none. Not in the published documents.
   */
  mayHaveFactors?: true;
  /**
   * When the owner of the user's first address or number proved it, after somebody had claimed it. Sessions that started
   * without a proof until then are not accepted. Absent: never. Not in the published documents.
   */
  unprovedEndedAt?: string;
  /**
   * Stripe's id of the kept subscription. An update of this field decides which one is kept. Not in the published
   * documents.
   */
  keptSubscriptionId?: string | null;
  /**
   * Every Stripe subscription that was rejected. A rejected subscription is never kept again. Not in the published
   * documents.
   */
  rejectedSubscriptionIds?: string[];
  /** The rejected subscriptions whose rejection is not complete. Not in the published documents. */
  replacedSubscriptionIds?: string[];
  /**
   * The rejections that are not complete, by Stripe's id of the subscription. Earlier releases did not store it. Not in the
   * published documents.
   */
  pendingRejections?: Record<string, PendingRejection>;
}
