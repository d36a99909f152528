/** The rules of trials and subscriptions (contract 1.3) on the state of the model. */
import {
  DAY,
  type Machine,
  PEOPLE,
  type Person,
  SECOND,
  type State,
  type Subscription,
  type Trial,
} from "#tests/model/state.ts";

const TRIAL_LIFE = 14 * DAY;
/** A subscription older than this is stored at its first event of any type. */
const CREATED_OVERDUE = DAY / 24;
/** How long a subscription is usable after its end, since webhooks may be late. */
const LATE = DAY;
/** Statuses, best first. */
const RANKS = ["active", "trialing", "past_due"];

/** A subscription as Stripe shows it now. */
export type AtStripe = Omit<Subscription, "isRejected">;

export const hasEnded = ({ status }: { status: string }) => status === "canceled";

function isBetter(one: AtStripe, other: AtStripe): boolean {
  const difference = RANKS.indexOf(one.status) - RANKS.indexOf(other.status);
  return difference === 0 ? one.createdAt < other.createdAt : difference < 0;
}

/** The subscription that is kept, whatever the order of events. */
export function best(living: [name: string, subscription: AtStripe][]): string | null {
  const [first] = living.toSorted(([, one], [, other]) => (isBetter(one, other) ? -1 : 1));
  return first?.[0] ?? null;
}

/** Status of the usable subscription of a person; null: none. */
export function usable(state: State, person: Person, except: readonly string[] = []): string | null {
  const candidates = Object.entries(state.subscriptions).filter(
    ([name, { person: of, status, isRejected, endsAt }]) =>
      of === person &&
      !except.includes(name) &&
      !isRejected &&
      RANKS.includes(status) &&
      endsAt + LATE > state.now,
  );
  const [first] = candidates
    .map(([, { status }]) => status)
    .sort((a, b) => RANKS.indexOf(a) - RANKS.indexOf(b));
  return first ?? null;
}

/** A request for a trial. */
export interface TrialRequest {
  person: Person;
  machine: Machine;
  atStripe: Readonly<Record<string, AtStripe>>;
}

/** Error code of a trial request; null: it succeeds, and the trial is recorded for the person and the device. */
export function tryTrial(state: State, request: TrialRequest): string | null {
  const { person, machine } = request;
  const own = state.trials[person];
  const isTaken = PEOPLE.some((other) => other !== person && state.trials[other]?.machines.includes(machine));
  const isStartable = own !== undefined && mayStart(state, own);
  const except = isStartable ? unpaidOf(state, person) : [];
  if (usable(state, person, except) !== null || hasPaymentDue(state, person)) return "already_subscribed";
  if ((own && !isStartable) || isTaken) return "trial_already_used";
  if (isPaidAtStripe(state, request)) return "already_subscribed";
  const isKnown = state.knownMachines[person].includes(machine);
  const trial: Trial = own ?? {
    machines: [],
    isRedeemed: false,
    claimedAt: state.now,
    isFromKnownMachine: isKnown,
    isUsed: false,
    endsAt: Number.POSITIVE_INFINITY,
    subscription: null,
    subscriptions: 0,
  };
  state.trials[person] = trial;
  if (!trial.machines.includes(machine)) trial.machines.push(machine);
  trial.isFromKnownMachine ||= isKnown;
  if (!isRunning(state, trial, request.atStripe)) startTrial(state, request, trial);
  return null;
}

/** Whether a trial is open, ran out unused, or was displaced by a purchase that has ended. */
function mayStart(state: State, { isUsed, isRedeemed, endsAt, subscription }: Trial): boolean {
  if (!isUsed && (!isRedeemed || endsAt <= state.now)) return true;
  const isDisplaced = subscription !== null && state.subscriptions[subscription]?.isRejected === true;
  return isDisplaced && endsAt > state.now;
}

/** The subscriptions of a person's trial that nobody paid for. */
const unpaidOf = (state: State, person: Person) =>
  Object.entries(state.subscriptions).flatMap(([name, one]) =>
    one.person === person && one.isTrial && one.status === "trialing" ? [name] : [],
  );

const hasPaymentDue = (state: State, person: Person) =>
  Object.values(state.subscriptions).some(
    (one) => one.person === person && one.status === "past_due" && !one.isRejected,
  );

/** Whether Stripe shows a paid subscription where the record grants nothing. The record is brought up to date. */
function isPaidAtStripe(state: State, { person, atStripe }: TrialRequest): boolean {
  const stale = Object.entries(state.subscriptions).filter(
    ([, one]) =>
      one.person === person &&
      !one.isRejected &&
      !hasEnded(one) &&
      one.endsAt <= state.now - (one.isTrial && one.status === "trialing" ? 0 : LATE),
  );
  const paid = stale.filter(([name]) => ["active", "past_due"].includes(atStripe[name]?.status ?? ""));
  for (const [name, one] of paid) Object.assign(one, atStripe[name]);
  return paid.length > 0;
}

function isRunning(state: State, { subscription }: Trial, atStripe: TrialRequest["atStripe"]): boolean {
  const record = subscription === null ? undefined : state.subscriptions[subscription];
  if (!record || hasEnded(record)) return false;
  if (!record.isRejected && record.endsAt > state.now) return true;
  const current = subscription === null ? undefined : atStripe[subscription];
  return current !== undefined && !hasEnded(current);
}

function startTrial(state: State, { person, machine }: TrialRequest, trial: Trial): void {
  const name = `${person}'s trial ${++trial.subscriptions}`;
  if (trial.subscription !== null) {
    trial.isRedeemed = false;
    trial.claimedAt = state.now;
    trial.isFromKnownMachine = state.knownMachines[person].includes(machine);
  }
  if (!trial.isUsed) trial.endsAt = state.now + TRIAL_LIFE;
  trial.subscription = name;
  state.subscriptions[name] = {
    person,
    isTrial: true,
    status: "trialing",
    createdAt: state.now,
    endsAt: trial.endsAt,
    isRejected: false,
    isScheduled: false,
  };
  state.kept[person] ??= name;
}

/**
 * Status that a session of a person gets. It uses the trial that grants it, and moves its end once.
 * @param since when the session began
 */
export function recordTrialUse(
  state: State,
  person: Person,
  since: number,
  atStripe: Readonly<Record<string, AtStripe>>,
): string | null {
  const trial = state.trials[person];
  const refused = unpaidOf(state, person).filter((name) => {
    if (!trial || trial.isUsed) return false;
    const isOpen = trial.isRedeemed || trial.isFromKnownMachine || since >= trial.claimedAt;
    const isCurrent = trial.subscription === name && (state.subscriptions[name]?.endsAt ?? 0) > state.now;
    return !isOpen || !isCurrent;
  });
  const status = usable(state, person, refused);
  if (status !== "trialing" || !trial || trial.isUsed || trial.subscription === null) return status;
  const name = trial.subscription;
  const record = state.subscriptions[name] as Subscription;
  trial.isUsed = true;
  const end = Math.floor(state.now / SECOND) * SECOND + TRIAL_LIFE;
  if (record.isScheduled || end <= record.endsAt) return status;
  const current = atStripe[name];
  if (current?.status === "trialing" && !current.isScheduled) {
    record.endsAt = end;
    trial.endsAt = end;
    return status;
  }
  Object.assign(record, current);
  trial.endsAt = record.endsAt;
  return hasEnded(record) ? null : record.status;
}

/** Applies an event of a subscription. @returns the code of the response */
export function hearOf(
  state: State,
  event: string,
  name: string,
  atStripe: Readonly<Record<string, AtStripe>>,
): string {
  const current = atStripe[name];
  if (!current) return "200";
  const { person } = current;
  const isKnown = name in state.subscriptions;
  if (!isKnown && (hasEnded(current) || event === "deleted")) return "200";
  // After an hour the missing `created` event is not waited for any more.
  if (!isKnown && event !== "created" && state.now - current.createdAt <= CREATED_OVERDUE)
    return "subscription_not_ready";
  const trial = state.trials[person];
  const hasMovedEnd =
    trial?.isUsed && trial.subscription === name && current.status === "trialing" && !current.isScheduled;
  // The end of a trial that was used meanwhile is not moved back.
  const endsAt = hasMovedEnd ? Math.max(trial.endsAt, current.endsAt) : current.endsAt;
  const known = { isRejected: false, ...state.subscriptions[name], ...current, endsAt };
  state.subscriptions[name] = known;
  if (known.isRejected) return "200";
  if (hasEnded(current)) {
    if (state.kept[person] === name) state.kept[person] = null;
    return "200";
  }
  keepOne(state, person, name, atStripe);
  return "200";
}

/** Keeps one of two active subscriptions; the other is canceled and refunded. */
function keepOne(
  state: State,
  person: Person,
  name: string,
  atStripe: Readonly<Record<string, AtStripe>>,
): void {
  const candidate = state.subscriptions[name] as Subscription;
  const rivalName = state.kept[person] ?? null;
  const rival = rivalName === null || rivalName === name ? undefined : atStripe[rivalName];
  if (rival && !hasEnded(rival) && !isBetter(candidate, rival)) {
    candidate.isRejected = true;
    return;
  }
  state.kept[person] = name;
  const known = rivalName === null || rivalName === name ? undefined : state.subscriptions[rivalName];
  if (known && rival && !hasEnded(rival)) known.isRejected = true;
}

/**
 * Applies the delivery of every event: each person keeps their best active subscription, and Nest has the state of Stripe.
 * @param before the subscriptions at Stripe before the delivery
 */
export function settle(
  state: State,
  before: Readonly<Record<string, AtStripe>>,
  atStripe: Readonly<Record<string, AtStripe>>,
): void {
  for (const person of PEOPLE) {
    const living = Object.entries(before).filter(([, one]) => one.person === person && !hasEnded(one));
    const kept = best(living.filter(([name]) => !state.subscriptions[name]?.isRejected));
    state.kept[person] = kept;
    for (const [name, now] of Object.entries(atStripe).filter(([, one]) => one.person === person)) {
      const known = state.subscriptions[name];
      const isRejected = known?.isRejected || (name !== kept && living.some(([other]) => other === name));
      if (known || name === kept) state.subscriptions[name] = { ...now, isRejected: isRejected === true };
    }
  }
}
