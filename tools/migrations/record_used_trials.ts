import type { Db, Filter } from "mongodb";
import { isUsed } from "#core/billing/trials/used.ts";
import { type Trial, TrialRepository } from "#core/repositories/trials.ts";
import type { Migration } from "#tools/migrations/migration.ts";

/** A trial as an earlier release, or the service of 2022, stored it. */
type StoredTrial = Partial<Trial> & Pick<Trial, "_id" | "createdAt" | "endsAt">;

/**
 * The trials whose first use is not recorded. The previous release can still run after the migration. It stores the first
 * sign-in without the use, so such a trial is pending again. This release stores both in one write.
 */
const PENDING: Filter<StoredTrial> = {
  $or: [
    { usedAt: { $exists: false } },
    {
      usedAt: null,
      signedInAt: { $ne: null },
      $expr: { $or: [{ $eq: ["$endsAt", null] }, { $lte: ["$signedInAt", "$endsAt"] }] },
    },
  ],
};

export const recordUsedTrials: Migration = {
  name: "record_used_trials",
  what: "records on each trial when it was first used",
  isRequired: true,
  pending: (database) => collectionOf(database).countDocuments(PENDING),
  async apply(database) {
    let changed = 0;
    for await (const trial of collectionOf(database).find(PENDING))
      if (await record(database, trial)) changed++;
    return changed;
  },
};

const collectionOf = (database: Db) => database.collection<StoredTrial>(TrialRepository.collectionName);

/**
 * The time at which a stored trial was first used, as far as its fields show it: the first sign-in of its owner, or else
 * the redemption of its link. A trial of 2022 began with its creation and could not be left open.
 * @returns null if nobody used it
 */
export function usedAtOf({
  identifierValue,
  createdAt,
  redeemedAt,
  signedInAt,
  endsAt,
}: StoredTrial): string | null {
  if (identifierValue === undefined) return createdAt;
  const use = { redeemedAt: redeemedAt ?? null, signedInAt: signedInAt ?? null, endsAt };
  return isUsed(use) ? (use.signedInAt ?? use.redeemedAt) : null;
}

/**
 * Records the use of one trial, unless a sign-in or a status call changed it since it was read: then the next run records
 * it.
 * @returns whether the document was changed
 */
async function record(database: Db, trial: StoredTrial): Promise<boolean> {
  const { _id, redeemedAt = null, signedInAt = null } = trial;
  // A field that is absent counts as null in a query.
  const unchanged = { _id, redeemedAt, signedInAt, ...PENDING } as Filter<StoredTrial>;
  const result = await collectionOf(database).updateOne(unchanged, {
    $set: { usedAt: usedAtOf(trial), pendingEndsAt: null },
  });
  return result.modifiedCount === 1;
}
