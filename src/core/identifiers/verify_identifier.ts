import type { Call, Caller } from "#core/call.ts";
import type { OAuthClient } from "#core/clients/oauth_clients.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import type { EventSource } from "#core/events/event_source.ts";
import { identifierVerified } from "#core/events/identifier_events.ts";
import { type IdentifierView, viewIdentifiers } from "#core/identifiers/identifier_view.ts";
import { type NoticeCore, notifyOwner } from "#core/messages/notify_owner.ts";
import { chooseLocale } from "#core/messages/wording.ts";
import type { RateLimiter } from "#core/rate_limits/rate_limiter.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import { carrying } from "#core/repositories/outbox.ts";
import type { User } from "#core/repositories/users.ts";
import type { Verification } from "#core/repositories/verifications.ts";
import { hasEnded } from "#core/sessions/session_state.ts";
import { mayAddIdentifiers, type ProofCore, proveClaimed } from "#core/users/first_proof.ts";
import type { CodeKey } from "#core/verifications/code_key.ts";
import {
  findPresented,
  type PresentedSecret,
  redeemVerification,
} from "#core/verifications/redeem_verification.ts";

type VerifyCore = ProofCore &
  NoticeCore &
  Pick<Core, "users"> & { app: Core["app"]; codeKey: CodeKey; rateLimiter: RateLimiter };

/** A caller who proves an address or number. */
export interface PresentedProof {
  client: OAuthClient;
  presented: PresentedSecret;
  caller: Caller;
}

const notFound = () => new NestError("verification_not_found");

/**
 * Proves an address or number by the secret in a message. A pending one becomes the user's, unless another user has proved it
 * first: one of any number of users gets it. The other verified addresses of the user get a notice.
 * @throws NestError verification_not_found, rate_limited, unavailable
 */
export async function verifyIdentifier(
  core: VerifyCore,
  { client, presented, caller }: PresentedProof,
  call: Call,
): Promise<IdentifierView> {
  const now = core.clock.now();
  const accepted = { purposes: ["verify_identifier"] as const, clientId: client.id, now };
  const verification = await findPresented(core, presented, accepted, call);
  const { userId = "" } = verification;
  const at = now.toISOString();
  const source = sourceOf(verification, call);
  const isByUser = caller.kind === "user" && caller.userId === userId;
  const isByClaimant = "nonce" in presented || isByUser;
  // Read while the verification is redeemed: what decides is read or written again after it.
  const reading = readState(core, verification);
  reading.catch(() => undefined);
  const { provedId, identifiers, user } = await redeemVerification(
    core,
    verification,
    { now, call },
    async () => prove(core, verification, await reading, { source, at, isByClaimant }),
  );
  const view = viewIdentifiers(identifiers).find(({ _id }) => _id === provedId);
  if (!user || !view) throw notFound();
  const others = identifiers.filter(({ _id }) => _id !== provedId);
  const locale = chooseLocale(core.app, user.locale, client.locale);
  const variables = { change: "added", changedAt: at } as const;
  await notifyOwner(core, others, { template: "address_changed", variables, locale });
  core.log.info("identifier_verified", { type: view.identifierType, user_id: userId, client_id: client.id });
  return view;
}

/** The user who asked for the message, by the call that shows its secret. */
const sourceOf = ({ userId = "", clientId, sessionId }: Verification, call: Call): EventSource => ({
  ...{
    actor: { type: "user", id: userId },
    clientId,
    sessionId: sessionId ?? null,
    requestId: call.requestId,
  },
  origin: { ip: call.ip, userAgent: call.userAgent },
});

interface Proof {
  source: EventSource;
  at: string;
  isByClaimant: boolean;
}

/** What decides whether an identifier is the user's to prove. */
interface State {
  /** Who has the address or number. */
  found: Identifier | null;
  identifiers: Identifier[];
  user: User | null;
  /** Whether the user exists, and the session that asked has not ended: whoever lost it can't add what they asked for. */
  isStillAsked: boolean;
}

/** Takes one round trip. */
async function readState(core: VerifyCore, verification: Verification): Promise<State> {
  const { identifierType, identifierValue, userId = "", sessionId = "" } = verification;
  const [found, identifiers, user, session] = await Promise.all([
    core.identifiers.findActive(identifierType, identifierValue),
    core.identifiers.listByUser(userId),
    core.users.find(userId),
    core.sessions.find(sessionId),
  ]);
  const isStillAsked = user !== null && session !== null && !hasEnded(session, user);
  return { found, identifiers, user, isStillAsked };
}

type Proved = Pick<State, "identifiers" | "user"> & { provedId: string };

/** @throws NestError verification_not_found if the identifier is not the user's to prove any more */
async function prove(
  core: VerifyCore,
  verification: Verification,
  state: State,
  proof: Proof,
): Promise<Proved> {
  const { _id, userId } = verification;
  const { found } = state;
  if (found === null) return claim(core, verification, state, proof);
  if (found.userId !== userId) throw notFound();
  if (found.verifiedAt === null) {
    if (proof.isByClaimant) await core.passwords.keepProvisional(found.userId);
    await proveClaimed(core, found, { ...proof, verificationId: _id, beakId: null });
  }
  return { ...(await readState(core, verification)), provedId: found._id };
}

/**
 * Makes a pending identifier the user's. The insert decides between users, the pending row between proof and removal. Nothing is
 * added to what nobody has proved, because its owner may not be who asked.
 */
async function claim(
  core: VerifyCore,
  verification: Verification,
  { identifiers, isStillAsked }: State,
  { source, at }: Proof,
): Promise<Proved> {
  const {
    _id: verificationId,
    userId = "",
    identifierType,
    identifierValue,
    createdAt,
    purgeAt,
  } = verification;
  if (!mayAddIdentifiers(identifiers) || !isStillAsked) throw notFound();
  const value = { userId, identifierType, identifierValue };
  const asked = { ...value, createdAt, purgeAt, endedAt: null, endedBy: null };
  const pending = await core.pendingIdentifiers.prove(asked, verificationId, at);
  if (pending === null) throw notFound();
  const identifier: Identifier = {
    ...{ _id: pending._id, ...value, createdAt: pending.createdAt },
    ...{ updatedAt: at, verifiedAt: at, removedAt: null, knownDevices: [] },
    ...carrying([identifierVerified({ ...value, _id: pending._id }, source, at)]),
  };
  // False if another user was first, or an earlier attempt of this call has stored it.
  const isStored = await core.identifiers.insert(identifier);
  const after = await readState(core, verification);
  const owner = isStored ? identifier : after.found;
  if (owner?.userId !== userId) throw notFound();
  // An erasure may have removed the user meanwhile, or a reset ended the session.
  if (after.isStillAsked) return { ...after, provedId: owner._id };
  await core.identifiers.discard(owner._id);
  throw notFound();
}
