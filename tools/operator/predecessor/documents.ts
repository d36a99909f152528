/**
 * Documents of the service of 2022, and what becomes of them here. Dates are strings and `_id` is the id there too, so
 * most go over as they are. Its tokens and links do not: it kept their secrets in clear, and they belong to no session.
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

const filled = string().check(minLength(1));
const moment = iso.datetime();
const whenever = nullable(moment);

const user = object({ _id: filled, createdAt: moment });
const owned = extend(user, { userId: filled });
const identifier = extend(owned, {
  identifierType: literal("email"),
  identifierValue: filled,
  removedAt: whenever,
});
const consent = extend(owned, { level: oneOf(CONSENT_LEVELS), updatedAt: whenever });
const mapping = extend(owned, {
  providerType: literal("stripe"),
  providerValue: filled,
  updatedAt: optional(whenever),
  removedAt: whenever,
});
const stripeIds = { stpProductId: filled, stpSubscriptionId: filled, stpCustomerId: filled };
const subscription = extend(owned, {
  ...stripeIds,
  status: filled,
  startsAt: moment,
  endsAt: moment,
  cancelAt: optional(whenever),
  cancelType: optional(nullable(oneOf(["immediate", "period_end"]))),
  cancelledAt: optional(whenever),
  updatedAt: whenever,
});
const trial = extend(owned, {
  ...stripeIds,
  startsAt: moment,
  endsAt: moment,
  device: object({ beakId: filled, fingerprint: filled }),
  updatedAt: whenever,
});

/** A document whose id is a string, as all are. */
export type Stored = Document & { _id: string };

/** What a document becomes, or why it stays behind; no address is in the reason. */
export type Taken = { document: Stored } | { leftOut: string };

/** A collection of the service of 2022, and where it goes. */
export interface Moved {
  /** What it is called there: by the code, and by an older page about it. */
  from: readonly string[];
  to: string;
  take(stored: Document): Taken;
  /** What no two documents may share; null where this one may. */
  uniqueKey(document: Document): Filter<Stored> | null;
  /** Which of our documents are still as they came, so that a newer one from there may replace it; null for none. */
  untouched: Filter<Stored> | null;
}

/** Reads a document by its schema. @param change what is made of it */
function taker(schema: ZodMiniType, change: (document: Document) => Taken = asItIs): Moved["take"] {
  return (stored) => {
    const parsed = safeParse(schema, stored);
    if (parsed.success) return change(parsed.data as Document);
    const fields = [...new Set(parsed.error.issues.map(({ path }) => String(path[0])))];
    return { leftOut: `not as expected: ${fields.join(", ")}` };
  };
}

const asItIs = (document: Document): Taken => ({ document: document as Stored });

/** An address as we compare it. That it was proved is not believed: any webhook set `verifiedAt` there. */
function takeIdentifier(document: Document): Taken {
  try {
    const identifierValue = parseAddress(document.identifierValue).identity;
    return asItIs({ ...document, identifierValue, updatedAt: null, verifiedAt: null });
  } catch {
    return { leftOut: "its address can't receive mail" };
  }
}

/** The choice that stands begins the history; who made it from where is not known. */
function takeConsent(document: Document): Taken {
  const { level, createdAt, updatedAt } = document;
  return asItIs({
    ...document,
    history: [{ level, changedAt: updatedAt ?? createdAt, ip: null, clientId: null }],
  });
}

const unlessRemoved =
  (...fields: string[]): Moved["uniqueKey"] =>
  (document) =>
    document.removedAt === null
      ? { ...Object.fromEntries(fields.map((field) => [field, document[field]])), removedAt: null }
      : null;

/** In the order in which they are moved: people first. */
export const MOVED: readonly Moved[] = [
  {
    from: ["users"],
    to: UserRepository.collectionName,
    take: taker(user),
    uniqueKey: () => null,
    untouched: null,
  },
  {
    from: ["identifiers"],
    to: IdentifierRepository.collectionName,
    take: taker(identifier, takeIdentifier),
    uniqueKey: unlessRemoved("identifierType", "identifierValue"),
    untouched: { verifiedAt: null, knownDevices: { $exists: false } },
  },
  {
    from: ["provider-mappings"],
    to: ProviderMappingRepository.collectionName,
    take: taker(mapping),
    uniqueKey: unlessRemoved("providerType", "providerValue"),
    untouched: { removedAt: null },
  },
  {
    from: ["marketing-consents", "marketing-consent"],
    to: MarketingConsentRepository.collectionName,
    take: taker(consent, takeConsent),
    uniqueKey: ({ userId }) => ({ userId }),
    untouched: { "history.1": { $exists: false } },
  },
  {
    from: ["subscriptions"],
    to: SubscriptionRepository.collectionName,
    take: taker(subscription),
    uniqueKey: ({ stpSubscriptionId }) => ({ stpSubscriptionId }),
    untouched: { version: { $exists: false } },
  },
  {
    from: ["trials"],
    to: TrialRepository.collectionName,
    take: taker(trial),
    uniqueKey: () => null,
    // Neither claimed by a device here nor made anonymous by an erasure.
    untouched: { beakIds: { $exists: false }, identifierValue: { $exists: false } },
  },
];

export const isSame = (one: Document, other: Document) => isDeepStrictEqual(one, other);
