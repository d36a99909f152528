import type { OptionalGrant } from "#core/app/app.ts";
import type { OAuthClient, OAuthClients } from "#core/clients/oauth_clients.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { canFollow, type FirstProof, isReceived } from "#core/mfa/offered_factors.ts";
import { channelThatSet } from "#core/mfa/reset_channel.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import type { MfaFactor } from "#core/repositories/mfa_factors.ts";
import type { OAuthIdentity } from "#core/repositories/oauth_identities.ts";
import type { Passkey } from "#core/repositories/passkey.ts";
import type { Password } from "#core/repositories/passwords.ts";
import type { User } from "#core/repositories/users.ts";
import { isVerified } from "#core/repositories/verified_identifier.ts";

/** A factor as clients can ask for it. A passkey that is not made yet has no domain. */
export type JudgedFactor = Pick<MfaFactor, "factorType" | "identifierValue"> & {
  passkey?: Pick<Passkey, "rpId">;
};
type JudgedClient = Pick<OAuthClient, "enabled" | "grants" | "name" | "passkeys">;

/** What a user can begin a sign-in with. */
export interface WaysIn {
  identifiers: readonly Pick<
    Identifier,
    "_id" | "identifierType" | "identifierValue" | "verifiedAt" | "removedAt"
  >[];
  identities: readonly Pick<OAuthIdentity, "_id" | "removedAt">[];
  password: Pick<Password, "setBy" | "resetBy"> | null;
}

/** A first factor, and the grant that a client needs for it; null: every client can take it. */
interface WayIn {
  first: FirstProof;
  grant: OptionalGrant | null;
}

function waysOf({ identifiers, identities, password }: WaysIn): WayIn[] {
  const own = { purpose: "sign_in", identifierType: null, identifierValue: "" } as const;
  const verified = identifiers.filter(isVerified);
  const sent = verified.map(({ identifierType, identifierValue }): WayIn => {
    const isMail = identifierType === "email";
    const amr = [isMail ? ("link" as const) : ("otp" as const)];
    return { first: { ...own, identifierType, identifierValue, amr }, grant: isMail ? null : "otp" };
  });
  const isLinked = identities.some(({ removedAt }) => removedAt === null);
  // A password is typed with an address or number.
  const isTyped = password !== null && verified.length > 0;
  const resetBy = password === null ? undefined : channelThatSet(password);
  return [
    ...sent,
    ...(isLinked ? [{ first: { ...own, amr: ["fed" as const] }, grant: null }] : []),
    ...(isTyped
      ? [
          {
            first: { ...own, amr: ["pwd" as const], ...(resetBy && { resetBy }) },
            grant: "password" as const,
          },
        ]
      : []),
  ];
}

/** Whether a client can ask for one of the factors. It can't ask for passkeys of another domain than its own. */
export const canAsk = (
  { enabled, grants, passkeys }: JudgedClient,
  factors: readonly JudgedFactor[],
): boolean =>
  enabled &&
  grants.includes("mfa") &&
  factors.some(
    ({ factorType, passkey }) =>
      factorType !== "webauthn" || (passkeys !== null && (passkey?.rpId ?? passkeys.rpId) === passkeys.rpId),
  );

/**
 * Whether some sign-in of a user can be completed with one of the factors, without I/O: a client can begin it and ask for the factor, and
 * the factor is of another channel.
 */
export function canComplete(
  factors: readonly JudgedFactor[],
  ways: WaysIn,
  clients: readonly JudgedClient[],
): boolean {
  const firsts = waysOf(ways);
  const usable = factors.filter((factor) => isReceived(factor, ways.identifiers));
  return clients.some((client) =>
    firsts.some(
      ({ first, grant }) =>
        (grant === null || client.grants.includes(grant)) &&
        usable.some((factor) => canAsk(client, [factor]) && canFollow(factor, first)),
    ),
  );
}

/**
 * The factors that sign-ins may require at the worst. A factor whose removal was allowed is still required until it is removed, and its
 * call may have stopped. More factors only offer more, so the factors that stay decide; if none stays, each of the others alone does.
 */
const requiredSets = <Factor extends { _id: string }>(
  factors: readonly Factor[],
  removed: readonly string[],
): Factor[][] => {
  const staying = factors.filter(({ _id }) => !removed.includes(_id));
  return staying.length > 0 ? [staying] : factors.map((factor) => [factor]);
};

export type ReachCore = Pick<Core, "identifiers" | "oauthIdentities" | "passwords"> & {
  oauthClients: OAuthClients;
};

/** What decides whether a user can still sign in: the factors and identifiers that they would have. */
interface Remaining {
  /** Includes those whose removal was allowed and has not ended. */
  factors: readonly (JudgedFactor & Pick<MfaFactor, "_id">)[];
  /** Undefined: they are read. */
  identifiers?: WaysIn["identifiers"];
  /** The ids of the identifiers, linked accounts and factors that the user removed or is removing. */
  removed?: readonly string[];
}

const isSent = ({ factorType }: JudgedFactor) => factorType === "sms" || factorType === "email";

/**
 * Whether a new factor alone could follow a way in that the user keeps. It is judged when it is created, and before and after it is
 * activated: a removal reads the factors after it is recorded, so of a removal and an activation at once, one sees the other.
 */
export async function followsSomeWayIn(
  core: ReachCore & Pick<Core, "users">,
  factor: MfaFactor,
  identifiers?: WaysIn["identifiers"],
): Promise<boolean> {
  const { userId } = factor;
  if (!isSent(factor)) return true;
  const removed = (await core.users.find(userId))?.removedIdentifierIds ?? [];
  return staysReachable(core, userId, { factors: [factor], ...(identifiers && { identifiers }), removed });
}

/**
 * Whether a user can sign in with the factors and ways in that they would have. A code that is sent may have the channel of every way in:
 * then nothing but recovery codes would sign the user in. An authenticator app and a passkey follow every way in, so nothing is read; but
 * a passkey of a domain that no client has any more signs nobody in.
 */
export async function staysReachable(
  core: ReachCore,
  userId: string,
  { factors, identifiers: known, removed = [] }: Remaining,
): Promise<boolean> {
  const clients = core.oauthClients.list();
  const isLimited = (factor: JudgedFactor) =>
    isSent(factor) ||
    (factor.factorType === "webauthn" && !clients.some((client) => canAsk(client, [factor])));
  const judged = requiredSets(factors, removed).filter((required) => required.every(isLimited));
  if (judged.length === 0) return true;
  const [identifiers, identities, password] = await Promise.all([
    known ?? core.identifiers.listByUser(userId),
    core.oauthIdentities.listByUser(userId),
    core.passwords.findByUser(userId),
  ]);
  const stays = ({ _id }: { _id: string }) => !removed.includes(_id);
  const ways = { identifiers: identifiers.filter(stays), identities: identities.filter(stays), password };
  return judged.every((required) => canComplete(required, ways, clients));
}

/**
 * Refuses to remove a way in if the second factors of the user could follow none that is left.
 * @param user as it was read
 * @throws NestError last_sign_in_method
 */
export async function requireWayToFactors(
  core: ReachCore & Pick<Core, "mfaFactors">,
  { _id: userId, mayHaveFactors }: Pick<User, "_id" | "mayHaveFactors">,
  remaining: Omit<Remaining, "factors">,
): Promise<void> {
  if (!mayHaveFactors) return;
  // Read after the user: a factor whose removal was allowed since makes the write of this decision fail.
  const factors = await core.mfaFactors.listActive(userId);
  if (!(await staysReachable(core, userId, { ...remaining, factors })))
    throw new NestError("last_sign_in_method");
}

/**
 * The names of the enabled clients that can sign a user in before a change of their factors, and can't afterwards.
 * @param before the active factors
 */
export const clientsShutOutBy = (
  clients: readonly JudgedClient[],
  { before, after }: { before: readonly JudgedFactor[]; after: readonly JudgedFactor[] },
): string[] =>
  clients
    .filter((client) => {
      const signsIn = (factors: readonly JudgedFactor[]) => factors.length === 0 || canAsk(client, factors);
      return client.enabled && signsIn(before) && !signsIn(after);
    })
    .map(({ name }) => name);
