import type { Collection } from "mongodb";
import { newId } from "#core/ids.ts";
import type { Trial, TrialRemoval } from "#core/repositories/trial_document.ts";

/** A trial whose removal has begun. */
export type RemovedTrial = Trial & { removal: TrialRemoval };

/** The reads and writes of the job that removes trials that nobody redeemed. */
export class TrialRemovals {
  protected readonly collection: Collection<Trial>;
  constructor(collection: Collection<Trial>) {
    this.collection = collection;
  }

  /**
   * Lists trials that were neither redeemed nor used, the oldest first.
   * @param createdUntil ISO: younger trials are left out
   * @param skip how many of the oldest are left out
   */
  listUnredeemed(createdUntil: string, skip: number, limit: number): Promise<Trial[]> {
    return this.collection
      .find({ redeemedAt: null, usedAt: null, grantedAt: null, createdAt: { $lte: createdUntil } })
      .sort({ createdAt: 1, _id: 1 })
      .skip(skip)
      .limit(limit)
      .toArray();
  }

  /**
   * Lists removals that an earlier run began and did not finish. Removals that were not tried for the longest time come
   * first, so that removals that can't finish do not delay the others.
   */
  async listRemovals(limit: number): Promise<RemovedTrial[]> {
    const found = await this.collection
      .find({ "removal.isPending": true })
      .sort({ "removal.triedAt": 1, createdAt: 1, _id: 1 })
      .limit(limit)
      .toArray();
    return found as RemovedTrial[];
  }

  /** Finds the removal of an address's trial that is not finished, or null. */
  async findRemovalOf(identifierValue: string): Promise<TrialRemoval | null> {
    const trial = await this.collection.findOne({ "removal.identifierValue": identifierValue });
    return trial?.removal ?? null;
  }

  /** Whether the user or the address of a trial that is being removed has another trial. */
  async isClaimedAgain({ userId, identifierValue }: TrialRemoval): Promise<boolean> {
    return (await this.collection.findOne({ $or: [{ userId }, { identifierValue }] })) !== null;
  }

  /** Whether the removal of a trial is still to be finished. An erasure of its person ends it. */
  async isRemovalPending(id: string): Promise<boolean> {
    return (await this.collection.findOne({ _id: id, "removal.isPending": true })) !== null;
  }

  /**
   * Takes over a removal that no other run works on.
   * @param endedLease the end of its last lease as it was listed, in the past
   * @param leasedUntil ISO: until then no other run works on the removal
   * @returns null if another run took it over or finished it
   */
  async leaseRemoval(
    id: string,
    endedLease: string | undefined,
    leasedUntil: string,
  ): Promise<RemovedTrial | null> {
    const leased = await this.collection.findOneAndUpdate(
      {
        ...{ _id: id, "removal.isPending": true },
        "removal.leasedUntil": endedLease ?? { $exists: false },
      },
      { $set: { "removal.leasedUntil": leasedUntil } },
      { returnDocument: "after" },
    );
    return leased as RemovedTrial | null;
  }

  /** Ends the lease of a removal that did not finish, so that the next run takes it over at once. */
  async releaseRemoval({ _id, removal: { leasedUntil = "" } }: RemovedTrial, now: string): Promise<void> {
    await this.collection.updateOne(
      { _id, "removal.leasedUntil": leasedUntil },
      { $set: { "removal.triedAt": now }, $unset: { "removal.leasedUntil": "" } },
    );
  }

  /**
   * Begins a removal: the trial names its person only in `removal` from now on. A redemption, a claim or a use since the
   * trial was read wins.
   * @param seen the trial as it was judged
   * @param leasedUntil ISO: until then no other run works on the removal
   * @returns null if the trial changed meanwhile
   */
  async beginRemoval(seen: Trial, now: string, leasedUntil: string): Promise<RemovedTrial | null> {
    const { _id, userId, identifierValue, claimedAt, stpSubscriptionId, endsAt } = seen;
    const nobody = newId("erasure");
    const begun = await this.collection.findOneAndUpdate(
      {
        ...{ _id, userId, identifierValue, stpSubscriptionId, endsAt, redeemedAt: null, usedAt: null },
        grantedAt: null,
        claimedAt: claimedAt ?? { $exists: false },
      },
      {
        $set: {
          removal: { isPending: true, userId, identifierValue, leasedUntil },
          ...{ userId: nobody, updatedAt: now, device: { beakId: nobody, fingerprint: nobody } },
        },
        $unset: { identifierValue: "", beakIds: "", fingerprints: "", claimedAt: "", claimNetwork: "" },
      },
      { returnDocument: "after" },
    );
    return begun as RemovedTrial | null;
  }
}
