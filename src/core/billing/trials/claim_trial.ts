import type { BillingSettings } from "#core/billing/config.ts";
import { requireTrialPrice } from "#core/billing/plans/stage_plans.ts";
import {
  type FoundTrials,
  judgeTrial,
  listStale,
  type TrialFacts,
  type TrialRefusal,
} from "#core/billing/trials/judge_trial.ts";
import { type Claiming, isKnown, type Machine, newTrial } from "#core/billing/trials/new_trial.ts";
import { leaveDeleted, readTrials } from "#core/billing/trials/read_trials.ts";
import { refreshRecord } from "#core/billing/trials/refresh_record.ts";
import { isRemovable } from "#core/billing/trials/removable.ts";
import type { Call } from "#core/call.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import type { AuditCore } from "#core/events/audit_row.ts";
import { byCaller } from "#core/events/event_source.ts";
import { newId } from "#core/ids.ts";
import { networkSubject } from "#core/rate_limits/network_subject.ts";
import type { RateLimiter } from "#core/rate_limits/rate_limiter.ts";
import type { ProviderMapping } from "#core/repositories/provider_mappings.ts";
import type { Subscription } from "#core/repositories/subscriptions.ts";
import type { Trial } from "#core/repositories/trials.ts";
import type { StripeApi } from "#core/services/stripe.ts";
import type { UserCreationCore } from "#core/users/create_user.ts";
import { ensureUser } from "#core/users/sign_in_user.ts";

/** A round fails only if a concurrent request changed what was read. */
const ROUNDS = 4;

/** A request for a trial. */
export interface TrialClaim {
  /** The normalized email address. */
  identity: string;
  machine: Machine;
  /** The result of `readTrials` for the address and the device. */
  found: FoundTrials;
}

/** A claimed trial, with the facts of its user that the next steps need. */
export interface ClaimedTrial extends Trial {
  mapping: ProviderMapping | null;
  /** The trial's subscription, if it is stored. */
  subscription: Subscription | null;
  /** Whether the device that asks now has signed in with the address before. */
  isKnownDevice: boolean;
}

type TrialCore = Pick<
  Core,
  "clock" | "identifiers" | "log" | "providerMappings" | "subscriptions" | "trials"
> &
  AuditCore &
  UserCreationCore & { rateLimiter: RateLimiter; stripe: StripeApi; billing: BillingSettings };

/**
 * Claims the trial of an email address and a device, or finds the open trial again. A new claim is one insert under
 * unique indexes: of any number of concurrent requests for one address or device, one creates a trial (contract 1.3).
 * @throws NestError `already_subscribed`, `trial_already_used`; `unavailable` if concurrent requests won every round
 */
export async function claimTrial(core: TrialCore, claim: TrialClaim, call: Call): Promise<ClaimedTrial> {
  requireTrialPrice(core.billing);
  const { identity, machine } = claim;
  let found = await leaveDeleted(core, claim.found, claim);
  for (let round = 1; ; round++) {
    const facts = await readFacts(core, found);
    const attempt = await applyJudgement(core, { identity, machine, facts }, call);
    if (typeof attempt !== "string") {
      const claimed = await storeUser(core, attempt, facts, call);
      return { ...claimed, isKnownDevice: isKnown(facts, machine) };
    }
    if (round === ROUNDS) throw refuse(core, attempt);
    found = await leaveDeleted(core, await readTrials(core, identity, machine), claim);
  }
}

/** Reads the other facts that decide about a trial. */
export async function readFacts(
  core: Pick<Core, "subscriptions" | "trials">,
  found: FoundTrials,
): Promise<TrialFacts> {
  const userId = found.identifier?.userId ?? found.own?.userId;
  if (userId === undefined) return { ...found, subscriptions: [], hasHadTrial: false };
  const [subscriptions, hasHadTrial] = await Promise.all([
    core.subscriptions.listByUser(userId),
    found.own === null && core.trials.isKnownUser(userId),
  ]);
  return { ...found, subscriptions, hasHadTrial };
}

/** The error to return if concurrent requests won every round. */
type LastRefusal = TrialRefusal | "unavailable";

/**
 * Judges the facts and applies the judgment with one conditional write.
 * @returns the trial; or, if a concurrent request won and the facts must be read again, the error to return after the last round
 * @throws NestError `already_subscribed`, `trial_already_used`
 */
async function applyJudgement(
  core: TrialCore,
  { identity, machine, facts }: Omit<Claiming, "network">,
  call: Call,
): Promise<Trial | LastRefusal> {
  const judgement = judgeTrial(facts, core.clock.now());
  switch (judgement.verdict) {
    case "refuse":
      throw refuse(core, judgement.code);
    case "stale":
      return judgement.code;
    case "join": {
      await refuseIfSubscribed(core, facts);
      const { trial } = judgement;
      const isKnownDevice = isKnown(facts, machine);
      const hasMachine =
        trial.beakIds.includes(machine.beakId) && trial.fingerprints.includes(machine.fingerprint);
      const now = core.clock.now();
      // A write that the job which removes such trials sees, and that fails if the job was first.
      const again = isRemovable(trial, core.billing.trialDays, now) ? { claimedAt: now.toISOString() } : null;
      const isRecorded =
        again === null && hasMachine && !(isKnownDevice && trial.isFromKnownDevice === false);
      const isIn = isRecorded || (await core.trials.join(trial, { ...machine, isKnownDevice, ...again }));
      return isIn ? trial : "trial_already_used";
    }
    case "grant": {
      await refuseIfSubscribed(core, facts);
      // A trial is counted when its link is redeemed, for the network that claims it (contract 1.7).
      const network = core.rateLimiter.keyOf(...networkSubject(call.ip));
      const userId = facts.identifier?.userId ?? newId("user");
      const now = core.clock.now().toISOString();
      const trial = newTrial({ identity, machine, facts, network }, userId, now);
      return (await core.trials.claim(trial)) ? trial : "unavailable";
    }
  }
}

/**
 * Reads subscriptions whose record may be outdated again from Stripe. Otherwise a trial could displace a subscription
 * that is paid, or owes a payment (contract 1.7).
 * @throws NestError `already_subscribed`, `stripe_error`, `unavailable`
 */
async function refuseIfSubscribed(core: TrialCore, facts: TrialFacts): Promise<void> {
  const stale = listStale(facts, core.clock.now());
  const isSubscribed = await Promise.all(stale.map((record) => refreshRecord(core, record)));
  if (isSubscribed.includes(true)) throw refuse(core, "already_subscribed");
}

/** A refusal reveals something about the address, which the app needs to know. It is rate limited, and logged here. */
function refuse(core: TrialCore, code: LastRefusal): NestError {
  if (code === "unavailable") return new NestError(code, { detail: "the trial's claim kept losing" });
  core.log.info("trial_refused", { code });
  return new NestError(code);
}

/** Stores the trial's user and identifier, unless they exist. */
async function storeUser(
  core: TrialCore,
  trial: Trial,
  { identifier: known, subscriptions }: TrialFacts,
  call: Call,
): Promise<Omit<ClaimedTrial, "isKnownDevice">> {
  const now = core.clock.now().toISOString();
  const { identifierValue: identity, userId: newUserId } = trial;
  const source = byCaller({ kind: "anonymous" }, call);
  const [identifier, mapping] = await Promise.all([
    ensureUser(core, { identity, found: known, newUserId, source }, now),
    core.providerMappings.findByUser(trial.userId),
  ]);
  // The address may have signed in for the first time since the claim was judged.
  const isOtherUser = identifier.userId !== trial.userId;
  if (isOtherUser && !(await core.trials.recordUser(trial._id, identifier.userId, now))) {
    await core.trials.remove(trial._id);
    throw refuse(core, "trial_already_used");
  }
  const subscription =
    subscriptions.find(({ stpSubscriptionId }) => stpSubscriptionId === trial.stpSubscriptionId) ?? null;
  return { ...trial, userId: identifier.userId, mapping: isOtherUser ? null : mapping, subscription };
}
