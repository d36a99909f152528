import { type Db, type IndexDescription, MongoServerError } from "mongodb";
import { AccessTokenRepository, accessTokenIndexes } from "#core/repositories/access_tokens.ts";
import { AuthorizationRepository, authorizationIndexes } from "#core/repositories/authorizations.ts";
import { IdentifierRepository, identifierIndexes } from "#core/repositories/identifiers.ts";
import { MailEventRepository, mailEventIndexes } from "#core/repositories/mail_events.ts";
import {
  MarketingConsentRepository,
  marketingConsentIndexes,
} from "#core/repositories/marketing_consents.ts";
import { NewsItemRepository, newsItemIndexes } from "#core/repositories/news_items.ts";
import { ProviderMappingRepository, providerMappingIndexes } from "#core/repositories/provider_mappings.ts";
import { RateLimitRepository, rateLimitIndexes } from "#core/repositories/rate_limits.ts";
import { RefreshTokenRepository, refreshTokenIndexes } from "#core/repositories/refresh_tokens.ts";
import { SessionRepository, sessionIndexes } from "#core/repositories/sessions.ts";
import { StripeEventRepository, stripeEventIndexes } from "#core/repositories/stripe_events.ts";
import { SubscriptionRepository, subscriptionIndexes } from "#core/repositories/subscriptions.ts";
import { TrialRepository, trialIndexes } from "#core/repositories/trials.ts";
import { UserRepository, userIndexes } from "#core/repositories/users.ts";

/** Every collection and the indexes its queries and promises rest on. */
export const COLLECTIONS: Readonly<Record<string, readonly IndexDescription[]>> = {
  [AccessTokenRepository.collectionName]: accessTokenIndexes,
  [AuthorizationRepository.collectionName]: authorizationIndexes,
  [IdentifierRepository.collectionName]: identifierIndexes,
  [MailEventRepository.collectionName]: mailEventIndexes,
  [MarketingConsentRepository.collectionName]: marketingConsentIndexes,
  [NewsItemRepository.collectionName]: newsItemIndexes,
  [ProviderMappingRepository.collectionName]: providerMappingIndexes,
  [RateLimitRepository.collectionName]: rateLimitIndexes,
  [RefreshTokenRepository.collectionName]: refreshTokenIndexes,
  [SessionRepository.collectionName]: sessionIndexes,
  [StripeEventRepository.collectionName]: stripeEventIndexes,
  [SubscriptionRepository.collectionName]: subscriptionIndexes,
  [TrialRepository.collectionName]: trialIndexes,
  [UserRepository.collectionName]: userIndexes,
};

const NAMESPACE_NOT_FOUND = 26;
/** What one of two setups at once is told. */
const NAMESPACE_EXISTS = 48;

/** Swallows the server's error with this code, and no other. */
const unless = (code: number) => (error: unknown) => {
  if (!(error instanceof MongoServerError && error.code === code)) throw error;
};

/** Makes every collection and index that is not there. Safe to repeat; run by the deploy, `npm start` and the tests. */
export async function createIndexes(database: Db): Promise<void> {
  const present = new Set(
    (await database.listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name),
  );
  for (const [name, indexes] of Object.entries(COLLECTIONS)) {
    if (!present.has(name)) await database.createCollection(name).catch(unless(NAMESPACE_EXISTS));
    if (indexes.length > 0) await database.collection(name).createIndexes([...indexes]);
  }
}

/** Whatever of an index the code rests on. */
const fingerprint = (index: IndexDescription) =>
  JSON.stringify([
    Object.entries(index.key).map(([field, way]) => [field, Number(way)]),
    index.unique === true,
    index.expireAfterSeconds === undefined ? null : Number(index.expireAfterSeconds),
    index.partialFilterExpression ?? null,
  ]);

/**
 * Compares the database with what the code needs.
 * @returns one line for each missing index, such as `identifiers {"userId":1}`; empty when all is well
 */
export async function missingIndexes(database: Db): Promise<string[]> {
  const missing: string[] = [];
  for (const [name, indexes] of Object.entries(COLLECTIONS)) {
    const found = await database.collection(name).indexes().catch(unless(NAMESPACE_NOT_FOUND));
    const have = new Set((found ?? []).map((index) => fingerprint(index as IndexDescription)));
    for (const index of indexes) {
      if (!have.has(fingerprint(index))) missing.push(`${name} ${JSON.stringify(index.key)}`);
    }
  }
  return missing;
}
