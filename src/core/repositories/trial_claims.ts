import type { UpdateFilter } from "mongodb";
import { pushed, type StoredEvent } from "#core/repositories/outbox.ts";
import type { Trial, TrialStep } from "#core/repositories/trial_document.ts";
import { TrialRemovals } from "#core/repositories/trial_removals.ts";
import { isDuplicateKey } from "#core/services/mongo.ts";

/** A device that asks for a trial. */
export interface DeviceClaim {
  beakId: string;
  fingerprint: string;
  /** Whether it signed in with the address before. */
  isKnownDevice: boolean;
}

/** Devices of one trial. Without a limit, repeated requests would make its document grow. */
const DEVICES_LIMIT = 20;

/**
 * Lists the devices above the limit, which leave the trial. The first device and the newest ones stay. A trial that was
 * redeemed or used keeps its devices, and no other device joins it.
 * @param devices in the order in which they joined
 */
function surplusDevices({ usedAt, redeemedAt }: Trial, devices: readonly string[]): string[] {
  if (usedAt != null || redeemedAt !== null) return devices.slice(DEVICES_LIMIT);
  return devices.slice(1, Math.max(1, devices.length - DEVICES_LIMIT + 1));
}

/** The update of a trial that gets another subscription. */
function startAgain(set: Partial<Trial>, now: string): UpdateFilter<Trial> {
  return {
    $set: {
      ...{ ...set, stpSubscriptionId: null, redeemedAt: null },
      ...{ claimedAt: now, attemptedAt: now, updatedAt: now },
    },
    $inc: { "attempts.subscription": 1 },
  };
}

/** The writes that claim a trial, let it start again, and record what was created for it at Stripe. */
export class TrialClaims extends TrialRemovals {
  /** Claims the trial. Of simultaneous calls for an address or a device, one gets true. */
  async claim(trial: Trial): Promise<boolean> {
    try {
      await this.collection.insertOne(trial);
      return true;
    } catch (error) {
      if (isDuplicateKey(error)) return false;
      throw error;
    }
  }

  /**
   * Adds a device to a trial that nobody has redeemed since it was read.
   * @param claim.isKnownDevice whether the device signed in with the address before
   * @param claim.claimedAt set if the trial is claimed again after it could have been removed
   * @returns false if the trial was redeemed or removed meanwhile, or another trial has the device
   */
  async join(
    { _id, redeemedAt, identifierValue }: Pick<Trial, "_id" | "redeemedAt" | "identifierValue">,
    claim: DeviceClaim & { claimedAt?: string },
  ): Promise<boolean> {
    const { beakId, fingerprint, isKnownDevice, claimedAt } = claim;
    const set = {
      ...(isKnownDevice ? { isFromKnownDevice: true } : {}),
      ...(claimedAt === undefined ? {} : { claimedAt }),
    };
    try {
      const joined = await this.collection.findOneAndUpdate(
        { _id, identifierValue, redeemedAt: redeemedAt ?? null },
        {
          $addToSet: { beakIds: beakId, fingerprints: fingerprint },
          ...(Object.keys(set).length > 0 ? { $set: set } : {}),
        },
        { returnDocument: "after" },
      );
      if (joined) await this.#removeSurplusDevices(joined);
      return joined !== null;
    } catch (error) {
      if (isDuplicateKey(error)) return false;
      throw error;
    }
  }

  /** Safe to race, and to repeat after a crash: every call removes the devices that are surplus by what it read. */
  async #removeSurplusDevices(trial: Trial): Promise<void> {
    const beakIds = surplusDevices(trial, trial.beakIds);
    const fingerprints = surplusDevices(trial, trial.fingerprints);
    if (beakIds.length + fingerprints.length === 0) return;
    await this.collection.updateOne(
      { _id: trial._id },
      { $pull: { beakIds: { $in: beakIds }, fingerprints: { $in: fingerprints } } },
    );
  }

  /**
   * Changes the user of a trial: the address was claimed by a sign-in meanwhile.
   * @returns false if that user has a trial
   */
  async recordUser(id: string, userId: string, now: string): Promise<boolean> {
    try {
      await this.collection.updateOne({ _id: id }, { $set: { userId, updatedAt: now } });
      return true;
    } catch (error) {
      if (isDuplicateKey(error)) return false;
      throw error;
    }
  }

  /**
   * Renews a trial that nobody used: removes its subscription, which ended, so that a new subscription is created.
   * @returns the trial, or null if it was used, a heartbeat reported it as usable, or another call was first
   */
  renew(
    id: string,
    endedSubscriptionId: string,
    isFromKnownDevice: boolean,
    now: string,
  ): Promise<Trial | null> {
    // A document of an earlier release gets the fields too, so that they decide from now on.
    const set = { startsAt: null, endsAt: null, usedAt: null, pendingEndsAt: null, isFromKnownDevice };
    return this.collection.findOneAndUpdate(
      {
        ...{ _id: id, stpSubscriptionId: endedSubscriptionId },
        ...{ usedAt: null, grantedAt: null, removal: { $exists: false } },
      },
      startAgain(set, now),
      { returnDocument: "after" },
    );
  }

  /**
   * Restarts a used trial that a purchase displaced, or that Stripe ended while a later end was pending. Its end and the time
   * of its first use stay.
   * @returns the trial, or null if another call was first
   */
  restart(
    { _id, stpSubscriptionId, usedAt, redeemedAt, signedInAt }: Trial,
    isFromKnownDevice: boolean,
    now: string,
  ): Promise<Trial | null> {
    const set = { usedAt: usedAt ?? redeemedAt ?? signedInAt, pendingEndsAt: null, isFromKnownDevice };
    return this.collection.findOneAndUpdate({ _id, stpSubscriptionId }, startAgain(set, now), {
      returnDocument: "after",
    });
  }

  /** Removes a customer that Stripe does not have anymore. @returns null if the trial has another customer, or none */
  forgetCustomer(id: string, stpCustomerId: string, now: string): Promise<Trial | null> {
    return this.collection.findOneAndUpdate(
      { _id: id, stpCustomerId },
      { $set: { stpCustomerId: null, updatedAt: now }, $inc: { "attempts.customer": 1 } },
      { returnDocument: "after" },
    );
  }

  async recordCustomer(id: string, stpCustomerId: string, now: string): Promise<void> {
    await this.collection.updateOne({ _id: id }, { $set: { stpCustomerId, updatedAt: now } });
  }

  /**
   * Records the subscription and its events, unless a subscription is recorded: a late response may be about an ended subscription.
   */
  async recordSubscription(
    id: string,
    made: Pick<Trial, "stpProductId" | "stpSubscriptionId" | "startsAt" | "endsAt">,
    now: string,
    events: readonly StoredEvent[],
  ): Promise<void> {
    const { push, set } = pushed(events);
    await this.collection.updateOne(
      { _id: id, stpSubscriptionId: null },
      { $set: { ...made, updatedAt: now, ...set }, $push: push },
    );
  }

  /** Gives a step a new idempotency key, because Stripe replays the failure that it stored under the old one. Simultaneous calls change it once. */
  async raiseAttempt(id: string, step: TrialStep, from: number, now: string): Promise<void> {
    await this.collection.updateOne(
      { _id: id, [`attempts.${step}`]: from },
      { $set: { [`attempts.${step}`]: from + 1, attemptedAt: now } },
    );
  }
}
