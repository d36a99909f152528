import { type Call, type Caller, userOf } from "#core/call.ts";
import type { Core } from "#core/core.ts";
import { decideAgain } from "#core/decide_again.ts";
import { NestError } from "#core/errors.ts";
import { byCaller } from "#core/events/event_source.ts";
import { oauthUnlinked } from "#core/events/oauth_events.ts";
import type { ReachCore } from "#core/factors/ways_in.ts";
import { allowWayInRemoval } from "#core/identifiers/allow_removal.ts";
import type { NoticeCore } from "#core/messages/notify_owner.ts";
import { notifyOfChange } from "#core/oauth/notify.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import type { OAuthIdentity } from "#core/repositories/oauth_identities.ts";
import { requireFresh } from "#core/sessions/freshness.ts";

type UnlinkCore = NoticeCore & ReachCore & Pick<Core, "mfaFactors" | "users"> & { app: Core["app"] };

/** Who unlinks an account. */
interface Unlinking {
  caller: Caller;
  call: Call;
}

/**
 * Unlinks an account. The user's last sign-in method can't be removed, also if several calls remove methods at once. Neither can the
 * last method that works with a second factor of the user. A repeated call changes nothing.
 * @returns when it was unlinked, ISO
 * @throws NestError reauthentication_required, oauth_identity_not_found, last_sign_in_method, unavailable
 */
export async function unlinkIdentity(
  core: UnlinkCore,
  identityId: string,
  unlinking: Unlinking,
): Promise<string> {
  const { userId } = userOf(unlinking.caller);
  requireFresh(unlinking.caller, core.clock.now());
  return decideAgain(async () => {
    const [user, identifiers, identities] = await Promise.all([
      core.users.find(userId),
      core.identifiers.listByUser(userId),
      core.oauthIdentities.listByUser(userId),
    ]);
    const found = identities.find(({ _id }) => _id === identityId);
    if (!found || !user) throw new NestError("oauth_identity_not_found");
    if (found.removedAt !== null) return found.removedAt;
    const methods = { identifiers, identities };
    const isAllowed = await allowWayInRemoval(core, identityId, {
      ...{ user, ...methods, all: ["identifier", "oauthIdentity"] },
      leavesOne: (removed) => leavesSignInMethod(methods, removed),
    });
    return isAllowed ? finishUnlinking(core, found, identifiers, unlinking) : null;
  }, "other changes of the user were always first");
}

async function finishUnlinking(
  core: UnlinkCore,
  found: OAuthIdentity,
  identifiers: readonly Identifier[],
  { caller, call }: Unlinking,
): Promise<string> {
  const { userId, clientId } = userOf(caller);
  const at = core.clock.now().toISOString();
  const event = oauthUnlinked(found, byCaller(caller, call), at);
  const unlinked = await core.oauthIdentities.remove(found._id, at, [event]);
  // Another call unlinked it first, and has sent the notices.
  if (unlinked === null) return at;
  core.log.info("oauth_unlinked", { user_id: userId, provider: found.provider });
  await notifyOfChange(core, identifiers, { identity: found, change: "unlinked", clientId, at });
  return at;
}

/**
 * Whether a user can sign in once the named sign-in methods are removed: with a link or code to a verified address or number, or with
 * another linked account. A password alone does not count, because it is typed with an address or number.
 */
export function leavesSignInMethod(
  methods: {
    identifiers: readonly Pick<Identifier, "_id" | "verifiedAt" | "removedAt">[];
    identities: readonly Pick<OAuthIdentity, "_id" | "removedAt">[];
  },
  removed: readonly string[],
): boolean {
  const stays = (one: { _id: string; removedAt: string | null }) =>
    one.removedAt === null && !removed.includes(one._id);
  return (
    methods.identities.some(stays) || methods.identifiers.some((one) => one.verifiedAt !== null && stays(one))
  );
}
