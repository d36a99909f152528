import type { OAuthClient } from "#core/clients/oauth_clients.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import type { EventSource } from "#core/events/event_source.ts";
import { identifierAdded, identifierVerified } from "#core/events/identifier_events.ts";
import { createdByOAuth, oauthLinked } from "#core/events/oauth_events.ts";
import { derivedIdOf } from "#core/ids.ts";
import { judgeIdentity } from "#core/oauth/judge_identity.ts";
import { linkOf, newUserIdOf, readJudged } from "#core/oauth/visit_outcome.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import type { OAuthIdentity } from "#core/repositories/oauth_identities.ts";
import type { OAuthState, VisitIdentity } from "#core/repositories/oauth_states.ts";
import { carrying } from "#core/repositories/outbox.ts";
import { completeUser, ensureUserWithAccount, type UserCreationCore } from "#core/users/create_user.ts";

/** A visit whose provider has named the person. */
export type NamedVisit = OAuthState & { identity: VisitIdentity };

type LinkingCore = UserCreationCore & Pick<Core, "identifiers" | "oauthIdentities">;

interface Linking {
  client: Pick<OAuthClient, "registration">;
  /** ISO. */
  at: string;
  sourceOf: (userId: string) => EventSource;
}

/**
 * Returns the link of the account, and makes it with its user if the person signs up or joins. The insert of the link decides
 * between simultaneous sign-ins with the same account, so it comes first and carries the events. Safe to repeat.
 * @throws NestError authorization_not_found if the account can't sign in any more, because its address was claimed or it was unlinked
 *   since the provider answered
 */
export async function ensureLinked(
  core: LinkingCore,
  visit: NamedVisit,
  { client, at, sourceOf }: Linking,
): Promise<OAuthIdentity> {
  const judged = await readJudged(core, visit, visit.identity);
  const decision = judgeIdentity({ ...judged, registration: client.registration });
  if (decision.outcome === "refuse") throw new NestError("authorization_not_found");
  const { userId: decided } = decision;
  const made = { ...linkOf(visit, visit.identity, { userId: decided, at }), lastUsedAt: at };
  const source = sourceOf(decided);
  const created = decision.outcome === "sign_up" ? [createdByOAuth(made, source, at)] : [];
  const events = carrying([...created, oauthLinked(made, source, at)]);
  const linked = judged.linked ?? (await core.oauthIdentities.link({ ...made, ...events }));
  if (!linked) throw new NestError("authorization_not_found");
  if (linked.userId === newUserIdOf(visit)) await completeNewUser(core, visit, linked, sourceOf);
  else await completeUser(core, linked.userId, linked.linkedAt);
  return linked;
}

/** Writes the user of a new link. Again, if an earlier run of this sign-in stopped after the link. */
async function completeNewUser(
  core: LinkingCore,
  { identity: { name, email, isProved } }: NamedVisit,
  { _id, userId, linkedAt: at }: OAuthIdentity,
  sourceOf: Linking["sourceOf"],
): Promise<void> {
  await ensureUserWithAccount(core, userId, at, { name, accountName: null });
  if (!isProved || email === null) return;
  // If somebody else claimed the address meanwhile, the user has none.
  await core.identifiers.insert(provedAddress({ linkId: _id, userId, email, at }, sourceOf(userId)));
}

/** The address of a new user, which a trusted provider proved. */
function provedAddress(
  { linkId, userId, email, at }: { linkId: string; userId: string; email: string; at: string },
  source: EventSource,
): Identifier {
  // The same for every run, so that an address which the user has removed since is not added again.
  const named = { _id: derivedIdOf(linkId, "identifier"), userId, identifierType: "email" as const };
  return {
    ...{ ...named, identifierValue: email, createdAt: at, updatedAt: null, verifiedAt: at, removedAt: null },
    knownDevices: [],
    ...carrying([identifierAdded(named, source, at), identifierVerified(named, source, at)]),
  };
}
