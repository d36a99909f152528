import type { EventCore } from "#core/billing/events/event_core.ts";
import { chooseLocale } from "#core/messages/wording.ts";
import type { Address } from "#core/users/address.ts";

/**
 * The locale of a mail about a subscription: the user's own, else that of the client that the user signed in with last.
 * Before the first sign-in, the client is the one that the last link to the address is for.
 */
export async function readLocale(core: EventCore, userId: string, to: Address): Promise<string> {
  const [user, session] = await Promise.all([core.users.find(userId), core.sessions.findNewest(userId)]);
  const { clientId } = session ?? (await core.authorizations.findNewest(to.identity)) ?? {};
  const client = core.app.clients.find(({ id }) => id === clientId);
  return chooseLocale(core.app, user?.locale, client?.locale);
}
