import { boolean, nullable, strictObject, string } from "zod/mini";
import type { Identifier } from "#core/repositories/identifiers.ts";
import type { PendingIdentifier } from "#core/repositories/pending_identifiers.ts";
import { primaryOf } from "#core/users/email_of.ts";

/** What a user is shown of one address or number. */
export interface IdentifierView extends Omit<Identifier, "knownDevices" | "primarySince"> {
  /** Whether it is the primary one of its type. */
  isPrimary: boolean;
  /** Whether the user has still to prove it. */
  isPending: boolean;
}

/**
 * Joins what a user has with what the user has not verified yet, the oldest first.
 * @param pending also what was removed before it was proved, if it is shown
 */
export function viewIdentifiers(
  identifiers: readonly Identifier[],
  pending: readonly PendingIdentifier[] = [],
): IdentifierView[] {
  const primary = [primaryOf(identifiers, "email")?._id, primaryOf(identifiers, "phone")?._id];
  const claimed = identifiers.map((one) => ({
    ...{ ...one, isPrimary: primary.includes(one._id), isPending: false },
  }));
  const known = new Set(identifiers.map(({ _id }) => _id));
  // A call that proves it may run between the two reads.
  const open = pending.filter(({ _id, endedBy }) => !known.has(_id) && endedBy === null);
  const nothing = { updatedAt: null, verifiedAt: null, isPrimary: false };
  const unproved = open.map((one) => ({
    ...{ ...one, ...nothing, removedAt: one.endedAt, isPending: one.endedAt === null },
  }));
  return [...claimed, ...unproved];
}

/** The fields of an identifier on the wire. */
export const identifierFields = strictObject({
  id: string(),
  identifier_type: string(),
  identifier_value: string(),
  created_at: string(),
  updated_at: nullable(string()),
  verified_at: nullable(string()),
  removed_at: nullable(string()),
  is_primary: boolean(),
  is_pending: boolean(),
});

/** Translates an identifier to wire names. */
export const identifierToWire = (view: IdentifierView) => ({
  id: view._id,
  identifier_type: view.identifierType,
  identifier_value: view.identifierValue,
  created_at: view.createdAt,
  updated_at: view.updatedAt,
  verified_at: view.verifiedAt,
  removed_at: view.removedAt,
  is_primary: view.isPrimary,
  is_pending: view.isPending,
});
