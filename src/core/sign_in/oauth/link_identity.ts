import { type Call, type Caller, userOf } from "#core/call.ts";
import { HOUR, plusSeconds } from "#core/clock.ts";
import type { Core } from "#core/core.ts";
import { type ErrorCode, NestError } from "#core/errors.ts";
import { byCaller } from "#core/events/event_source.ts";
import { oauthLinked } from "#core/events/oauth_events.ts";
import type { NoticeCore } from "#core/messages/notify_owner.ts";
import { isFull } from "#core/oauth/linked_identities.ts";
import { notifyOfChange } from "#core/oauth/notify.ts";
import { linkOf } from "#core/oauth/visit_outcome.ts";
import type { RateLimiter } from "#core/rate_limits/rate_limiter.ts";
import type { OAuthIdentity } from "#core/repositories/oauth_identities.ts";
import type { OAuthState } from "#core/repositories/oauth_states.ts";
import { carrying } from "#core/repositories/outbox.ts";
import { requireFresh } from "#core/sessions/freshness.ts";
import { countFailures } from "#core/sign_in/failure_limit.ts";
import { readCode } from "#core/sign_in/grants/authorization_code.ts";
import { requireVisit, type VisitCodeCore } from "#core/sign_in/oauth/require_visit.ts";
import { mayAddIdentifiers } from "#core/users/first_proof.ts";

type LinkCore = NoticeCore &
  VisitCodeCore &
  Pick<Core, "identifiers" | "oauthIdentities" | "users"> & { app: Core["app"]; rateLimiter: RateLimiter };

/** What a client presents to link an account. */
interface LinkRequest {
  client_id: string;
  code: string;
  code_verifier: string;
  redirect_uri: string;
}

/**
 * Links the account at a provider that a visit found to the user whose session began the visit. Calling it again returns the same.
 * @throws NestError reauthentication_required, malformed_code; verification_not_found for a code that is unknown, expired, another
 *   session's or another client's; incorrect_code_verifier, incorrect_redirect_uri, rate_limited; oauth_identity_taken, too_many_oauth_identities;
 *   identifier_not_verified while nobody has proved the user's address: then the user may not be its owner
 */
export async function linkIdentity(
  core: LinkCore,
  asked: LinkRequest,
  { caller, call }: { caller: Caller; call: Call },
): Promise<OAuthIdentity> {
  const { userId, sessionId, clientId } = userOf(caller);
  const now = core.clock.now();
  requireFresh(caller, now);
  const visit = await findVisit(core, asked, call);
  if (visit.userId !== userId || visit.sessionId !== sessionId || !visit.identity)
    throw new NestError("verification_not_found");
  const [identifiers, identities] = await Promise.all([
    core.identifiers.listByUser(userId),
    core.oauthIdentities.listByUser(userId),
  ]);
  if (!mayAddIdentifiers(identifiers)) throw new NestError("identifier_not_verified");
  const isSame = ({ issuer, subject }: Pick<OAuthIdentity, "issuer" | "subject">) =>
    issuer === visit.identity?.issuer && subject === visit.identity.subject;
  if (isFull(identities.filter((one) => !isSame(one)))) throw new NestError("too_many_oauth_identities");
  const at = now.toISOString();
  const made = linkOf(visit, visit.identity, { userId, at });
  const event = oauthLinked(made, byCaller(caller, call), at);
  const linked = await core.oauthIdentities.link({ ...made, ...carrying([event]) });
  // The visit linked the account before, and the user has unlinked it since.
  if (linked === null) throw new NestError("verification_not_found");
  if (linked.userId !== userId) throw new NestError("oauth_identity_taken");
  if (linked.linkedAt !== at) return linked;
  const removed = identities.filter(isSame).flatMap(({ removedAt }) => removedAt ?? []);
  // The code of a visit an hour ago can't be presented again.
  const before = [plusSeconds(now, -HOUR).toISOString(), ...removed.sort().slice(-1)].sort()[0];
  if (removed.length > 1 && before) await core.oauthIdentities.discardRemoved(linked, before);
  core.log.info("oauth_linked", { user_id: userId, provider: linked.provider });
  await notifyOfChange(core, identifiers, { identity: linked, change: "linked", clientId, at });
  return linked;
}

/** Errors that say that the caller holds no code of this visit. They are one error, so that nobody learns about visits. */
const UNKNOWN: readonly ErrorCode[] = [
  "not_found",
  "token_not_found",
  "token_expired",
  "token_used",
  "authorization_not_found",
  "incorrect_client",
];

/** @throws NestError verification_not_found, malformed_code, incorrect_code_verifier, incorrect_redirect_uri, rate_limited */
async function findVisit(core: LinkCore, asked: LinkRequest, call: Call): Promise<OAuthState> {
  const presented = readCode(asked);
  try {
    const found = await countFailures(core, call, () =>
      requireVisit(core, presented, { intent: "link", call }),
    );
    return found.authorization;
  } catch (error) {
    if (error instanceof NestError && UNKNOWN.includes(error.code))
      throw new NestError("verification_not_found");
    throw error;
  }
}
