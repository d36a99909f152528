import type { Caller } from "#core/call.ts";
import type { OAuthClient } from "#core/clients/oauth_clients.ts";
import { NestError } from "#core/errors.ts";
import type { Identifier, IdentifierType } from "#core/repositories/identifiers.ts";
import type { PendingIdentifier } from "#core/repositories/pending_identifiers.ts";
import { requireFresh } from "#core/sessions/freshness.ts";
import { mayAddIdentifiers } from "#core/users/first_proof.ts";
import { type CodeTarget, readTarget } from "#core/verifications/code_request.ts";

/** What a user has, and what the user has still to prove. */
export interface OwnIdentifiers {
  identifiers: readonly Identifier[];
  pending: readonly PendingIdentifier[];
}

/** The address or number that a user wants to prove: one of their own by its id, or any as the user typed it. */
export interface AskedIdentifier extends OwnIdentifiers {
  asked: { identifierId: string } | { type: IdentifierType; typed: string };
}

type Known = Pick<Identifier, "_id" | "identifierType" | "identifierValue">;

/**
 * Decides what is proved, without I/O. Only a user who signed in a short time ago may add something new, and only to what they
 * have proved: who claimed another person's address must not stay in that person's account by way of a second one.
 * @returns the target, and the identifier if the user has it already
 * @throws NestError identifier_not_found, already_verified, invalid_identifier, country_not_allowed,
 *   reauthentication_required, identifier_not_verified
 */
export function judgeAsked(
  { asked, identifiers, pending, client, caller }: AskedIdentifier & { client: OAuthClient; caller: Caller },
  now: Date,
): { target: CodeTarget; known: Known | null } {
  const active = identifiers.filter(({ removedAt }) => removedAt === null);
  const own: readonly (Known & Partial<Identifier>)[] = [...active, ...pending];
  if ("identifierId" in asked) {
    const known = own.find(({ _id }) => _id === asked.identifierId);
    if (!known) throw new NestError("identifier_not_found");
    if (known.verifiedAt) throw new NestError("already_verified");
    requireProved(known, active);
    return { target: readTarget(client, known.identifierType, known.identifierValue), known };
  }
  const target = readTarget(client, asked.type, asked.typed);
  const known = own.find(
    ({ identifierType, identifierValue }) =>
      identifierType === target.type && identifierValue === target.identity,
  );
  if (known?.verifiedAt) throw new NestError("already_verified");
  if (!known) requireFresh(caller, now);
  requireProved(known, active);
  return { target, known: known ?? null };
}

/** @throws NestError identifier_not_verified if the user has proved nothing yet, and it is not what they claimed */
function requireProved(known: Known | undefined, active: readonly Identifier[]): void {
  const isClaimed = active.some(({ _id }) => _id === known?._id);
  if (!isClaimed && !mayAddIdentifiers(active)) throw new NestError("identifier_not_verified");
}
