/**
 * Documents of the service of 2022, and the documents that they become in Nest. Dates are strings and `_id` holds the id
 * in both, so most fields are copied. Tokens and links are not imported: their secrets were stored in clear text, and
 * they belong to no session.
 */
import { isDeepStrictEqual } from "node:util";
import type { Document, Filter } from "mongodb";
import {
  extend,
  iso,
  literal,
  minLength,
  nullable,
  object,
  enum as oneOf,
  optional,
  safeParse,
  string,
  type ZodMiniType,
} from "zod/mini";
import { IdentifierRepository } from "#core/repositories/identifiers.ts";
import { CONSENT_LEVELS, MarketingConsentRepository } from "#core/repositories/marketing_consents.ts";
import { ProviderMappingRepository } from "#core/repositories/provider_mappings.ts";
import { SubscriptionRepository } from "#core/repositories/subscriptions.ts";
import { TrialRepository } from "#core/repositories/trials.ts";
import { UserRepository } from "#core/repositories/users.ts";
import { parseAddress } from "#core/users/address.ts";
import { defaultsOf } from "#tools/migrations/complete_subscriptions.ts";

const filled = string().check(minLength(1));
const moment = iso.datetime();
const momentOrNull = nullable(moment);

const user = object({ _id: filled, createdAt: moment });
const owned = extend(user, { userId: filled });
const identifier = extend(owned, {
  identifierType: literal("email"),
  identifierValue: filled,
  removedAt: momentOrNull,
});
const consent = extend(owned, { level: oneOf(CONSENT_LEVELS), updatedAt: momentOrNull });
const mapping = extend(owned, {
  providerType: literal("stripe"),
  providerValue: filled,
  updatedAt: optional(momentOrNull),
  removedAt: momentOrNull,
});
const stripeIds = { stpProductId: filled, stpSubscriptionId: filled, stpCustomerId: filled };
const subscription = extend(owned, {
  ...stripeIds,
  status: filled,
  startsAt: moment,
  endsAt: moment,
  cancelAt: optional(momentOrNull),
  cancelType: optional(nullable(oneOf(["immediate", "period_end"]))),
  cancelledAt: optional(momentOrNull),
  updatedAt: momentOrNull,
});
const trial = extend(owned, {
  ...stripeIds,
  startsAt: moment,
  endsAt: moment,
  device: object({ beakId: filled, fingerprint: filled }),
  updatedAt: momentOrNull,
});

/** A document whose id is a string, as all ids are. */
export type Stored = Document & { _id: string };

/** The document to store, or why it is not imported. The reason holds no email address. */
export type Conversion = { document: Stored } | { leftOut: string };

/** A collection of the service of 2022, and its counterpart in Nest. */
export interface ImportedCollection {
  /** Its names there: in the code, and on an older page about it. */
  from: readonly string[];
  to: string;
  convert(stored: Document): Conversion;
  /** The fields that no two documents may share; null if this document may share them. */
  uniqueKey(document: Document): Filter<Stored> | null;
  /** Matches Nest's documents that Nest has not changed since the import: a newer source document replaces them. */
  untouched: Filter<Stored> | null;
}

/** Reads a document by its schema. @param complete converts the parsed document to Nest's */
function converter(
  schema: ZodMiniType,
  complete: (document: Document) => Conversion = unchanged,
): ImportedCollection["convert"] {
  return (stored) => {
    const parsed = safeParse(schema, stored);
    if (parsed.success) return complete(parsed.data as Document);
    const fields = [...new Set(parsed.error.issues.map(({ path }) => String(path[0])))];
    return { leftOut: `missing or invalid: ${fields.join(", ")}` };
  };
}

const unchanged = (document: Document): Conversion => ({ document: document as Stored });

/** Normalizes the address. It counts as not verified, since any webhook could set `verifiedAt` there. */
function completeIdentifier(document: Document): Conversion {
  try {
    const identifierValue = parseAddress(document.identifierValue).identity;
    return unchanged({ ...document, identifierValue, updatedAt: null, verifiedAt: null });
  } catch {
    return { leftOut: "its address can't receive mail" };
  }
}

/** Starts the history with the current choice. Its network and its client are not known. */
function completeConsent(document: Document): Conversion {
  const { level, createdAt, updatedAt } = document;
  return unchanged({
    ...document,
    history: [{ level, changedAt: updatedAt ?? createdAt, ip: null, clientId: null }],
  });
}

function completeSubscription(document: Document): Conversion {
  return unchanged({
    ...defaultsOf({ createdAt: document.createdAt }),
    ...document,
    version: IMPORTED_VERSION,
  });
}

/** A trial of 2022 began when it was created, and nobody could leave it unused. */
function completeTrial(document: Document): Conversion {
  return unchanged({ usedAt: document.createdAt, pendingEndsAt: null, ...document });
}

/** The version of an imported subscription. A Stripe event raises it. */
export const IMPORTED_VERSION = 1;

const unlessRemoved =
  (...fields: string[]): ImportedCollection["uniqueKey"] =>
  (document) =>
    document.removedAt === null
      ? { ...Object.fromEntries(fields.map((field) => [field, document[field]])), removedAt: null }
      : null;

/** In the order in which they are imported: users first. */
export const IMPORTED: readonly ImportedCollection[] = [
  {
    from: ["users"],
    to: UserRepository.collectionName,
    convert: converter(user),
    uniqueKey: () => null,
    untouched: null,
  },
  {
    from: ["identifiers"],
    to: IdentifierRepository.collectionName,
    convert: converter(identifier, completeIdentifier),
    uniqueKey: unlessRemoved("identifierType", "identifierValue"),
    untouched: { verifiedAt: null, knownDevices: { $exists: false } },
  },
  {
    from: ["provider-mappings"],
    to: ProviderMappingRepository.collectionName,
    convert: converter(mapping, (document) => unchanged({ updatedAt: null, ...document })),
    uniqueKey: unlessRemoved("providerType", "providerValue"),
    untouched: { removedAt: null },
  },
  {
    from: ["marketing-consents", "marketing-consent"],
    to: MarketingConsentRepository.collectionName,
    convert: converter(consent, completeConsent),
    uniqueKey: ({ userId }) => ({ userId }),
    untouched: { "history.1": { $exists: false } },
  },
  {
    from: ["subscriptions"],
    to: SubscriptionRepository.collectionName,
    convert: converter(subscription, completeSubscription),
    uniqueKey: ({ stpSubscriptionId }) => ({ stpSubscriptionId }),
    untouched: { version: IMPORTED_VERSION },
  },
  {
    from: ["trials"],
    to: TrialRepository.collectionName,
    convert: converter(trial, completeTrial),
    uniqueKey: () => null,
    // Neither claimed by a device in Nest nor made anonymous by an erasure.
    untouched: { beakIds: { $exists: false }, identifierValue: { $exists: false } },
  },
];

/** Whether a stored document has every field of the imported one, with the same value. */
export const holds = (stored: Document, imported: Document) =>
  Object.entries(imported).every(([field, value]) => isDeepStrictEqual(stored[field], value));
