import type { Core } from "#core/core.ts";
import { type NoticeCore, notifyOwner } from "#core/messages/notify_owner.ts";
import { chooseLocale } from "#core/messages/wording.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import type { OAuthIdentity } from "#core/repositories/oauth_identities.ts";

/** A change of the accounts with which a user signs in. */
interface IdentityChange {
  identity: Pick<OAuthIdentity, "provider" | "userId">;
  change: "linked" | "unlinked";
  clientId: string;
  /** ISO. */
  at: string;
}

/** Tells every verified address of the user. A notice that can't be sent is logged. */
export async function notifyOfChange(
  core: NoticeCore & Pick<Core, "users">,
  identifiers: readonly Identifier[],
  { identity: { provider: id, userId }, change, clientId, at }: IdentityChange,
): Promise<void> {
  const user = await core.users.find(userId);
  const client = core.app.clients.find((one) => one.id === clientId);
  const provider = core.app.oauthProviders.find((one) => one.id === id)?.name ?? id;
  const locale = chooseLocale(core.app, user?.locale, client?.locale);
  await notifyOwner(core, identifiers, {
    template: "oauth_changed",
    variables: { change, provider, at },
    locale,
  });
}
