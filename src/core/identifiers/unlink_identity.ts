import { type Call, type Caller, userOf } from "#core/call.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { byCaller } from "#core/events/event_source.ts";
import { oauthUnlinked } from "#core/events/oauth_events.ts";
import { type ReachCore, requireWayToFactors } from "#core/factors/ways_in.ts";
import type { NoticeCore } from "#core/messages/notify_owner.ts";
import { notifyOfChange } from "#core/oauth/notify.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import type { OAuthIdentity } from "#core/repositories/oauth_identities.ts";
import { requireFresh } from "#core/sessions/freshness.ts";
import { unfinishedRemovals } from "#core/users/unfinished_removals.ts";

type UnlinkCore = NoticeCore & ReachCore & Pick<Core, "mfaFactors" | "users"> & { app: Core["app"] };

/** How often an unlinking is judged again, because another change of the user was first. */
const TRIES = 20;

/** Who unlinks an account. */
interface Unlinking {
  caller: Caller;
  call: Call;
}

/**
 * Unlinks an account. The user's last sign-in method can't be removed, also if several calls remove methods at once; nor can the last
 * one that a second factor of the user can follow. A repeated call changes nothing.
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
  for (let tried = 0; tried < TRIES; tried++) {
    const [user, identifiers, identities] = await Promise.all([
      core.users.find(userId),
      core.identifiers.listByUser(userId),
      core.oauthIdentities.listByUser(userId),
    ]);
    const found = identities.find(({ _id }) => _id === identityId);
    if (!found || !user) throw new NestError("oauth_identity_not_found");
    if (found.removedAt !== null) return found.removedAt;
    // The same field decides about every removal of a user, so simultaneous removals leave a sign-in method.
    const { removedIdentifierIds: removed = [] } = user;
    // An earlier call that stopped halfway was allowed to unlink it.
    if (removed.includes(identityId)) return finishUnlinking(core, found, identifiers, unlinking);
    const gone = [...removed, identityId];
    if (!leavesSignInMethod({ identifiers, identities }, gone)) throw new NestError("last_sign_in_method");
    await requireWayToFactors(core, user, { identifiers, removed: gone });
    const all = ["identifier", "oauthIdentity"] as const;
    const read = { found: [...identifiers, ...identities], all, now: core.clock.now() };
    const kept = unfinishedRemovals(removed, read);
    if (await core.users.recordRemoval(userId, identityId, removed, kept))
      return finishUnlinking(core, found, identifiers, unlinking);
  }
  throw new NestError("unavailable", { detail: "other changes of the user were always first" });
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
