import type { Call } from "#core/call.ts";
import type { OAuthClient } from "#core/clients/oauth_clients.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import type { AuditCore } from "#core/events/audit_row.ts";
import type { EventSource } from "#core/events/event_source.ts";
import { identifierAdded, identifierVerified } from "#core/events/identifier_events.ts";
import { createdByOAuth, oauthLinked } from "#core/events/oauth_events.ts";
import { derivedIdOf } from "#core/ids.ts";
import { judgeIdentity } from "#core/oauth/judge_identity.ts";
import { recordDisabled } from "#core/oauth/record_disabled.ts";
import { type JudgingCore, linkOf, newUserIdOf, readJudged } from "#core/oauth/visit_outcome.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import type { OAuthIdentity } from "#core/repositories/oauth_identities.ts";
import type { OAuthState, VisitIdentity } from "#core/repositories/oauth_states.ts";
import { carrying } from "#core/repositories/outbox.ts";
import type { User } from "#core/repositories/users.ts";
import { completeUser, ensureUserWithAccount, type UserCreationCore } from "#core/users/create_user.ts";

/** A visit whose provider has named the person. */
export type NamedVisit = OAuthState & { identity: VisitIdentity };

type LinkingCore = AuditCore & UserCreationCore & JudgingCore;

interface Linking {
  client: Pick<OAuthClient, "registration">;
  /** ISO. */
  at: string;
  call: Call;
  sourceOf: (userId: string) => EventSource;
}

/**
 * Returns the link of the account, and makes it with its user if the person signs up or joins. The insert of the link decides
 * between simultaneous sign-ins with the same account, so it comes first and carries the events. Safe to repeat.
 * @throws NestError authorization_not_found if the account can't sign in any more: since the provider answered, its address was
 *   claimed, it was unlinked, or the user whom it would join got a second factor, was disabled or was erased
 */
export async function ensureLinked(
  core: LinkingCore,
  visit: NamedVisit,
  { client, at, call, sourceOf }: Linking,
): Promise<OAuthIdentity> {
  const judged = await readJudged(core, visit, visit.identity);
  const decision = judgeIdentity({ ...judged, registration: client.registration });
  if (decision.outcome === "refuse") {
    const refused = {
      userId: judged.disabledUserId,
      call,
      at,
      errorCode: "authorization_not_found",
    } as const;
    await recordDisabled(core, visit, refused);
    throw new NestError("authorization_not_found");
  }
  const { userId: decided } = decision;
  const made = { ...linkOf(visit, visit.identity, { userId: decided, at }), lastUsedAt: at };
  const source = sourceOf(decided);
  const created = decision.outcome === "sign_up" ? [createdByOAuth(made, source, at)] : [];
  const events = carrying([...created, oauthLinked(made, source, at)]);
  const linked = judged.linked ?? (await core.oauthIdentities.link({ ...made, ...events }));
  if (!linked) throw new NestError("authorization_not_found");
  const joined = decision.outcome === "join" ? await requireJoined(core, made) : null;
  const { userId, linkedAt, profile } = linked;
  if (userId === newUserIdOf(visit)) await completeNewUser(core, visit, linked, sourceOf);
  // A user of an earlier release may have no account. Others are not written, so that an erasure meanwhile leaves no user.
  else if (joined?.defaultAccountId === undefined)
    await completeUser(core, userId, linkedAt, isOfSignUp(linked) ? profile.name : null);
  return linked;
}

/**
 * Reads the user whom an account has joined. An erasure removes links before it removes the user and again afterwards, so it misses only
 * a link that is stored once the user is gone: it is removed here.
 * @throws NestError authorization_not_found if the user was erased
 */
async function requireJoined(core: LinkingCore, { _id, userId }: OAuthIdentity): Promise<User> {
  const user = await core.users.find(userId);
  if (user) return user;
  await core.oauthIdentities.discard(_id);
  throw new NestError("authorization_not_found");
}

/** Whether the link was made by a visit that signed its user up. */
const isOfSignUp = ({ _id, userId }: OAuthIdentity): boolean => derivedIdOf(_id, "user") === userId;

const addressIdOf = ({ _id }: Pick<OAuthIdentity, "_id">): string => derivedIdOf(_id, "identifier");

/**
 * Adds the address of a sign-up that stopped before it stored the address. The next visit adds it, if a trusted provider proves the same
 * address again. An address that the user has removed is not added again.
 * @param identifiers all of the user, removed ones included
 * @returns the identifiers that the user has now
 */
export async function completeAddress(
  core: Pick<Core, "identifiers">,
  { identity: { email, isProved } }: NamedVisit,
  { linked, identifiers }: { linked: OAuthIdentity; identifiers: readonly Identifier[] },
  { at, source }: { at: string; source: EventSource },
): Promise<readonly Identifier[]> {
  const wasStored = identifiers.some(({ _id }) => _id === addressIdOf(linked));
  const isSame = email !== null && email === linked.email && linked.emailVerified;
  if (!isOfSignUp(linked) || wasStored || !isProved || !isSame) return identifiers;
  const added = provedAddress({ linked, email, at }, source);
  // If somebody else claimed the address meanwhile, the user has none.
  return (await core.identifiers.insert(added)) ? [...identifiers, added] : identifiers;
}

/** Writes the user of a new link. Again, if an earlier run of this sign-in stopped after the link. */
async function completeNewUser(
  core: LinkingCore,
  { identity: { name, email, isProved } }: NamedVisit,
  linked: OAuthIdentity,
  sourceOf: Linking["sourceOf"],
): Promise<void> {
  const { userId, linkedAt: at } = linked;
  await ensureUserWithAccount(core, userId, at, { name, accountName: null });
  if (!isProved || email === null) return;
  // If somebody else claimed the address meanwhile, the user has none.
  await core.identifiers.insert(provedAddress({ linked, email, at }, sourceOf(userId)));
}

/** The address of a new user, which a trusted provider proved. */
function provedAddress(
  { linked, email, at }: { linked: OAuthIdentity; email: string; at: string },
  source: EventSource,
): Identifier {
  // The same for every run, so that an address which the user has removed since is not added again.
  const named = { _id: addressIdOf(linked), userId: linked.userId, identifierType: "email" as const };
  return {
    ...{ ...named, identifierValue: email, createdAt: at, updatedAt: null, verifiedAt: at, removedAt: null },
    knownDevices: [],
    ...carrying([identifierAdded(named, source, at), identifierVerified(named, source, at)]),
  };
}
