import type { AnyBulkWriteOperation, Db, Document } from "mongodb";
import { type AccessToken, AccessTokenRepository } from "#core/repositories/access_tokens.ts";
import { type RefreshToken, RefreshTokenRepository } from "#core/repositories/refresh_tokens.ts";
import { ACCESS_TOKEN_KEPT_SECONDS, KEPT_AFTER_ACKNOWLEDGEMENT_SECONDS } from "#core/retention.ts";
import type { Migration } from "#tools/migrations/migration.ts";

/**
 * The previous release kept access token records for 30 days and used refresh tokens for 395 days. This release reads such
 * documents, so the migration is not required.
 */
export const shortenTokenRetention: Migration = {
  name: "shorten_token_retention",
  what: "lets access token records be removed after 7 days, and used refresh tokens after 35",
  isRequired: false,
  async pending(database) {
    const counted = [...LATE_REFRESH_TOKENS, { $count: "count" }];
    const [late] = await refreshTokensOf(database).aggregate<{ count: number }>(counted).toArray();
    return (await accessTokensOf(database).countDocuments(LATE_ACCESS_TOKENS)) + (late?.count ?? 0);
  },
  async apply(database) {
    const { modifiedCount } = await accessTokensOf(database).updateMany(LATE_ACCESS_TOKENS, [
      { $set: { purgeAt: accessTokenDue } },
    ]);
    return modifiedCount + (await shortenRefreshTokens(database));
  },
};

const accessTokensOf = (database: Db) =>
  database.collection<AccessToken>(AccessTokenRepository.collectionName);
const refreshTokensOf = (database: Db) =>
  database.collection<RefreshToken>(RefreshTokenRepository.collectionName);

/** The time `seconds` after the ISO time in a field. */
const after = (field: string, seconds: number): Document => ({
  $dateAdd: { startDate: { $toDate: field }, unit: "second", amount: seconds },
});

const accessTokenDue = after("$expiresAt", ACCESS_TOKEN_KEPT_SECONDS);
const LATE_ACCESS_TOKENS = { $expr: { $gt: ["$purgeAt", accessTokenDue] } };

/**
 * Used tokens that are kept for more than 35 days after their successor was used, with the date at which they are due.
 * When an unused successor was acknowledged is not stored: its token gets its date when the successor is used.
 */
const LATE_REFRESH_TOKENS: Document[] = [
  { $match: { usedAt: { $ne: null } } },
  {
    $lookup: {
      from: RefreshTokenRepository.collectionName,
      localField: "rotation.successorId",
      foreignField: "_id",
      as: "successor",
    },
  },
  { $unwind: "$successor" },
  { $match: { "successor.usedAt": { $ne: null } } },
  { $project: { purgeAt: 1, due: after("$successor.usedAt", KEPT_AFTER_ACKNOWLEDGEMENT_SECONDS) } },
  { $match: { $expr: { $gt: ["$purgeAt", "$due"] } } },
];

const BATCH = 1_000;

/** @returns how many tokens it changed */
async function shortenRefreshTokens(database: Db): Promise<number> {
  const tokens = refreshTokensOf(database);
  let changed = 0;
  let batch: AnyBulkWriteOperation<RefreshToken>[] = [];
  const write = async () => {
    if (batch.length > 0) changed += (await tokens.bulkWrite(batch, { ordered: false })).modifiedCount;
    batch = [];
  };
  for await (const { _id, due } of tokens.aggregate<{ _id: string; due: Date }>(LATE_REFRESH_TOKENS)) {
    batch.push({ updateOne: { filter: { _id }, update: { $min: { purgeAt: due } } } });
    if (batch.length === BATCH) await write();
  }
  await write();
  return changed;
}
