import type { EventSource } from "#core/events/event_source.ts";
import { countEvent } from "#core/events/recorded_count.ts";
import { idOfBoth, newId } from "#core/ids.ts";
import type { EventTarget, EventType, StoredEvent } from "#core/repositories/outbox.ts";
import type { RefusedBecause } from "#core/repositories/refused_because.ts";

/**
 * Why Nest removed an address or number. `address_proved`: somebody added it before the owner of the user's address verified that
 * address. `password_reset`: it was not verified when the password was reset. `registration_failed`: its registration was refused.
 */
export type RemovedReason = "address_proved" | "password_reset" | "registration_failed" | "user_deleted";

/** The data of each event: ids, and words of a fixed list. No address and no secret. */
interface EventData {
  /** `identifierId`: the first address. `oauthIdentityId`: the account at a provider with which the user signed up. */
  "user.created": { identifierId: string } | { oauthIdentityId: string };
  /** `field`: what was changed. `identifierId`: the new primary identifier. `fields`: names, separated by spaces. */
  "user.updated": { field: "primary_identifier"; identifierId: string } | { fields: string };
  "user.disabled": Record<never, never>;
  /** `added`, `removed`: the ids of custom roles and the keys of built-in roles, separated by spaces. */
  "user.roles_changed": { added: string; removed: string };
  "user.deleted": Record<never, never>;
  /** `grant`: the grant type. `grantId`: the link or the verification that was redeemed, or the password. */
  "user.signed_in": { grant: string; grantId: string };
  /** `authorizationId`: the link or the verification. `grant`: `password`, which has neither. `cause`: why it was refused. */
  "user.sign_in_failed":
    | { authorizationId: string; cause?: "disabled"; purpose?: "step_up" }
    | { grant: "password"; cause?: RefusedBecause };
  /** `reason`: as in the session. */
  "session.revoked": { reason: string };
  /** `refreshTokenId`: the token that was used again. */
  "token.reuse_detected": { refreshTokenId: string };
  "identifier.added": { identifierType: string };
  "identifier.verified": { identifierType: string };
  /** `reason`: why Nest removed it. Absent: the user did. */
  "identifier.removed": { identifierType: string; reason?: RemovedReason };
  "password.set": Record<never, never>;
  /** `verificationId`: the link and the code. */
  "password.reset_requested": { verificationId: string };
  "password.reset": { verificationId: string };
  "mfa.factor_added": { factorId: string; factorType: string };
  "mfa.factor_removed": { factorId: string; factorType: string };
  "mfa.recovery_code_used": Record<never, never>;
  "mfa.recovery_codes_regenerated": Record<never, never>;
  /** `provider`: its id in the app file. */
  "oauth.linked": { provider: string };
  "oauth.unlinked": { provider: string };
  /** `change`: what was done with the role. */
  "role.changed": { scope: string; key: string; change: "created" | "updated" | "deleted" };
  "account.created": Record<never, never>;
  /** `fields`: their names, separated by spaces. */
  "account.updated": { fields: string };
  /** The event is about the member. `role`: the key of a built-in role, or the id of a custom role. */
  "account.user_added": { role: string };
  "account.user_removed": Record<never, never>;
  "account.user_role_changed": { role: string; previous: string };
  /** `previous`: null at the first choice. */
  "consent.updated": { level: string; previous: string | null };
  /** `stpSubscriptionId`: Stripe's id. */
  "trial.started": { stpSubscriptionId: string | null };
  "trial.used": { stpSubscriptionId: string | null };
  /** Stripe's id and statuses. `previous`: null for a new subscription. */
  "subscription.updated": { stpSubscriptionId: string; status: string; previous: string | null };
  "webhook.created": Record<never, never>;
  /** `fields`: names, separated by spaces; `secret` for a new secret, `deliveries` with the delivery that is sent again. */
  "webhook.updated": { fields: string; deliveryId?: string };
  "webhook.deleted": Record<never, never>;
  "webhook.test": Record<never, never>;
  /** `reason`: as in the webhook. */
  "webhook.disabled": { reason: string };
  /** The target is the user, the account or the whole log whose rows were read. */
  "audit.read": Record<never, never>;
}

/** What an event is about. */
interface About<Type extends EventType> {
  /** The user whose account it is about; null if it is about nobody. */
  userId: string | null;
  target: EventTarget;
  data: EventData[Type];
}

/**
 * Creates an event. The write that makes the change stores it on the changed document, so that the event is there exactly
 * when the change is (decision 28). The job `move_events` moves it to `audit_logs`.
 * @param at ISO, the time of the change
 */
export function recordEvent<Type extends EventType>(
  type: Type,
  { userId, target, data }: About<Type>,
  source: EventSource,
  at: string,
): StoredEvent {
  countEvent();
  return { id: newId("event"), type, at, userId, target, ...source, data: { ...data } };
}

/**
 * As `recordEvent`, for an event that happens once for another resource. Its id derives from that resource's id and from the
 * type, so a repeated write stores it once. The type is needed, because a user and the session that begins with the user have the
 * same suffix.
 * @param id the id of that resource, such as the session that starts
 */
export function recordOnce<Type extends EventType>(
  type: Type,
  about: About<Type>,
  source: EventSource,
  { id, at }: { id: string; at: string },
): StoredEvent {
  return { ...recordEvent(type, about, source, at), id: idOfBoth(id, type, "event") };
}
