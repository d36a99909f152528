import type { TrialFacts } from "#core/billing/trials/judge_trial.ts";
import { newId } from "#core/ids.ts";
import type { Trial } from "#core/repositories/trials.ts";
import { hashSecret } from "#core/secrets.ts";

/** Identifies a device. */
export interface Machine {
  beakId: string;
  fingerprint: string;
}

/** A request for a trial, with the facts that decide about it. */
export interface Claiming {
  /** The normalized email address. */
  identity: string;
  machine: Machine;
  facts: TrialFacts;
  /** The key under which the rate limiter counts the network that requests the trial. */
  network: string;
}

/** Whether the device has signed in with the address before. */
export function isKnown({ identifier }: TrialFacts, { beakId }: Machine): boolean {
  return identifier?.knownDevices?.includes(hashSecret(beakId)) ?? false;
}

/** The document of a trial that is claimed now. */
export function newTrial(
  { identity: identifierValue, machine, facts, network }: Claiming,
  userId: string,
  now: string,
): Trial {
  return {
    _id: newId("trial"),
    userId,
    stpProductId: null,
    stpSubscriptionId: null,
    stpCustomerId: null,
    startsAt: null,
    endsAt: null,
    device: { beakId: machine.beakId, fingerprint: machine.fingerprint },
    createdAt: now,
    updatedAt: null,
    identifierValue,
    beakIds: [machine.beakId],
    fingerprints: [machine.fingerprint],
    attempts: { customer: 1, subscription: 1 },
    attemptedAt: now,
    redeemedAt: null,
    claimedAt: now,
    claimNetwork: network,
    isFromKnownDevice: isKnown(facts, machine),
    signedInAt: null,
    usedAt: null,
    grantedAt: null,
    pendingEndsAt: null,
  };
}
