import type { EventSource } from "#core/events/event_source.ts";
import { recordEvent } from "#core/events/record_event.ts";
import type { OAuthIdentity } from "#core/repositories/oauth_identities.ts";
import type { StoredEvent } from "#core/repositories/outbox.ts";

type Named = Pick<OAuthIdentity, "_id" | "userId" | "provider">;

const identityEvent =
  (type: "oauth.linked" | "oauth.unlinked") =>
  ({ _id: id, userId, provider }: Named, source: EventSource, at: string): StoredEvent =>
    recordEvent(type, { userId, target: { type: "oauth_identity", id }, data: { provider } }, source, at);

/** The event of an account at a provider with which a user can sign in from then on. */
export const oauthLinked = identityEvent("oauth.linked");
/** The event of an account at a provider with which a user can't sign in any more. */
export const oauthUnlinked = identityEvent("oauth.unlinked");

/** The event of a user who signed up with an account at a provider. */
export function createdByOAuth({ _id, userId }: Named, source: EventSource, at: string): StoredEvent {
  const about = { userId, target: { type: "user", id: userId } as const, data: { oauthIdentityId: _id } };
  return recordEvent("user.created", about, source, at);
}
