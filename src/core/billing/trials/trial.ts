import { hasEnded } from "#core/billing/subscriptions/stripe_state.ts";
import { findUsable, isOwing } from "#core/billing/subscriptions/subscription.ts";
import { renewWasted } from "#core/billing/trials/renewal.ts";
import type { Call } from "#core/call.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { newId } from "#core/ids.ts";
import { networkOf } from "#core/network.ts";
import { type RateLimiter, refuseIfOver } from "#core/rate_limiter.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import type { ProviderMapping } from "#core/repositories/provider_mappings.ts";
import type { Subscription } from "#core/repositories/subscriptions.ts";
import type { Trial } from "#core/repositories/trials.ts";
import { ensureUser } from "#core/users/sign_in_user.ts";

/** Each round is lost only to a faster request, which changed what the next one reads. */
const ROUNDS = 4;

/** What tells machines apart. */
export interface Machine {
  beakId: string;
  fingerprint: string;
}

/** What is known of an address and a machine before a trial is claimed. */
export interface FoundTrials {
  identifier: Identifier | null;
  /** Of the address. */
  own: Trial | null;
  /** Whether another address' trial has the machine. */
  isMachineTaken: boolean;
}

type TrialCore = Pick<
  Core,
  "clock" | "identifiers" | "log" | "providerMappings" | "sessions" | "subscriptions" | "trials" | "users"
> & { rateLimiter: RateLimiter };

/**
 * Counts a request for a trial against its network's day.
 * @throws NestError rate_limited
 */
export async function requireTrialAllowed(core: { rateLimiter: RateLimiter }, call: Call): Promise<void> {
  refuseIfOver([await core.rateLimiter.count("trial_requests_per_network", networkOf(call.ip))]);
}

/** Reads what a trial depends on; one trip. */
export async function readTrials(
  core: Pick<Core, "identifiers" | "trials">,
  identity: string,
  machine: Machine,
): Promise<FoundTrials> {
  const [identifier, trials] = await Promise.all([
    core.identifiers.findActive("email", identity),
    core.trials.listConcerning(identity, machine.beakId, machine.fingerprint),
  ]);
  const own = trials.find(({ identifierValue }) => identifierValue === identity) ?? null;
  return { identifier, own, isMachineTaken: trials.some((trial) => trial !== own) };
}

/** A trial that was claimed, with who it is for. */
export interface ClaimedTrial extends Trial {
  mapping: ProviderMapping | null;
  /** Its subscription as stored, if it has one. */
  subscription: Subscription | null;
}

/**
 * Claims the trial of an address and a machine, or finds the open one again. The claim is one insert under unique
 * indexes: of any number of simultaneous requests for one address or machine, one makes a trial (contract 1.3).
 * @throws NestError already_subscribed, trial_already_used, rate_limited
 */
export async function claimTrial(
  core: TrialCore,
  { identity, machine, found }: { identity: string; machine: Machine; found: FoundTrials },
  call: Call,
): Promise<ClaimedTrial> {
  let current = found;
  for (let round = 1; ; round++) {
    const claimed = await claimOnce(core, identity, machine, current, call, round === ROUNDS);
    if (claimed) return writeUser(core, claimed.trial, current.identifier, claimed.subscriptions);
    current = await readTrials(core, identity, machine);
  }
}

interface Claimed {
  trial: Trial;
  subscriptions: Subscription[];
}

/** @returns null if a request beside this one changed what was read, so that it must be read again */
async function claimOnce(
  core: TrialCore,
  identity: string,
  machine: Machine,
  found: FoundTrials,
  call: Call,
  isLast: boolean,
): Promise<Claimed | null> {
  const { identifier, own } = found;
  const network = networkOf(call.ip);
  const userId = identifier?.userId ?? own?.userId;
  const [subscriptions, hasHadTrial, newTrials] = await Promise.all([
    userId === undefined ? [] : core.subscriptions.listByUser(userId),
    userId !== undefined && own === null && core.trials.isKnownUser(userId),
    own ? null : core.rateLimiter.count("new_trials_per_network", network),
  ]);
  let isNew = false;
  try {
    if (!mayHaveTrial(core, found, subscriptions, hasHadTrial, isLast)) return null;
    if (own) return (await joinTrial(core, own, machine, isLast)) ? { trial: own, subscriptions } : null;
    if (newTrials) refuseIfOver([newTrials]);
    const trial = newTrial(identity, machine, userId ?? newId("user"), core.clock.now().toISOString());
    isNew = await core.trials.claim(trial);
    if (!isNew && isLast) throw new NestError("unavailable", { detail: "the trial's claim kept losing" });
    return isNew ? { trial, subscriptions } : null;
  } finally {
    if (newTrials && !isNew) await core.rateLimiter.release("new_trials_per_network", network);
  }
}

/**
 * @returns false if what was read can't all be true at once: a request beside this one is storing the trial
 * @throws NestError already_subscribed, trial_already_used
 */
function mayHaveTrial(
  core: TrialCore,
  { own, isMachineTaken }: FoundTrials,
  subscriptions: readonly Subscription[],
  hasHadTrial: boolean,
  isLast: boolean,
): boolean {
  const isOpen = own !== null && own.redeemedAt === null;
  // An open trial's own subscription may have been stored since the trial was read; once it is paid for it is no trial.
  const others = subscriptions.filter(
    ({ trialId, status }) => !isOpen || trialId !== own._id || status !== "trialing",
  );
  const usable = findUsable(others, core.clock.now());
  if ((usable?.trialId || hasHadTrial) && own === null && !isLast) return false;
  // A trial would drive out one that only has to be paid, and give all that was ever paid for it back.
  if (usable || others.some(isOwing)) throw refused(core, "already_subscribed");
  if ((own && !isOpen) || hasHadTrial || isMachineTaken) throw refused(core, "trial_already_used");
  return true;
}

/** Lets a machine that nobody claimed into an open trial. @returns whether it is in */
async function joinTrial(core: TrialCore, own: Trial, machine: Machine, isLast: boolean): Promise<boolean> {
  const hasMachine = own.beakIds.includes(machine.beakId) && own.fingerprints.includes(machine.fingerprint);
  const isIn = hasMachine || (await core.trials.join(own._id, machine.beakId, machine.fingerprint));
  if (!isIn && isLast) throw refused(core, "trial_already_used");
  return isIn;
}

/** These two answers tell a stranger something, because the app needs them: they are limited and counted. */
function refused(core: TrialCore, code: "already_subscribed" | "trial_already_used"): NestError {
  core.log.info("trial_refused", { code });
  return new NestError(code);
}

function newTrial(identifierValue: string, machine: Machine, userId: string, now: string): Trial {
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
    signedInAt: null,
  };
}

/** Writes the claim's user and identifier, unless they are there. */
async function writeUser(
  core: TrialCore,
  trial: Trial,
  known: Identifier | null,
  subscriptions: readonly Subscription[],
): Promise<ClaimedTrial> {
  const now = core.clock.now();
  const [identifier, mapping] = await Promise.all([
    ensureUser(core, trial.identifierValue, known, now.toISOString(), trial.userId),
    core.providerMappings.findByUser(trial.userId),
  ]);
  // Somebody signed the address in between the claim's reading and its writing.
  const isAnother = identifier.userId !== trial.userId;
  if (isAnother) await core.trials.recordUser(trial._id, identifier.userId, now.toISOString());
  const subscription =
    subscriptions.find(({ stpSubscriptionId }) => stpSubscriptionId === trial.stpSubscriptionId) ?? null;
  const claimed = { ...trial, userId: identifier.userId, mapping: isAnother ? null : mapping, subscription };
  return renewIfWasted(core, claimed);
}

async function renewIfWasted(core: TrialCore, trial: ClaimedTrial): Promise<ClaimedTrial> {
  const { subscription } = trial;
  if (!subscription || !hasEnded(subscription.status)) return trial;
  const renewed = await renewWasted(core, trial, subscription.endsAt);
  return renewed ? { ...trial, ...renewed, subscription: null } : trial;
}
