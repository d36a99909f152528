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
/** Lifetime of an access token. */
const UNHEARD = 10 * DAY;
/** Statuses, best first. */
const RANKS = ["active", "trialing", "past_due"];

/** The current state of a subscription at Stripe. */
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
export function usable(state: State, person: Person, except?: string): string | null {
  const candidates = Object.entries(state.subscriptions).filter(
    ([name, { person: of, status, isRejected, endsAt }]) =>
      of === person && name !== except && !isRejected && RANKS.includes(status) && endsAt + LATE > state.now,
  );
  const [first] = candidates
    .map(([, { status }]) => status)
    .sort((a, b) => RANKS.indexOf(a) - RANKS.indexOf(b));
  return first ?? null;
}

/** Error code of a trial request; null: it succeeds, and the trial is recorded for the person and the device. */
export function tryTrial(state: State, person: Person, machine: Machine): string | null {
  const own = state.trials[person];
  const isOpen = own !== undefined && !own.isRedeemed;
  const isTaken = PEOPLE.some((other) => other !== person && state.trials[other]?.machines.includes(machine));
  const ownSubscription = isOpen ? (own.subscription ?? undefined) : undefined;
  if (usable(state, person, ownSubscription) !== null) return "already_subscribed";
  if ((own && !isOpen) || isTaken) return "trial_already_used";
  const trial: Trial = own ?? {
    machines: [],
    createdAt: state.now,
    isRedeemed: false,
    signedInAt: null,
    subscription: null,
    subscriptions: 0,
  };
  state.trials[person] = trial;
  if (!trial.machines.includes(machine)) trial.machines.push(machine);
  const current = trial.subscription === null ? undefined : state.subscriptions[trial.subscription];
  if (current === undefined || (hasEnded(current) && !wasHad(state, trial, current)))
    startTrial(state, person, trial);
  return null;
}

/** Whether the owner could use the trial: signed in before it ended, or was signed in when it started. */
function wasHad(state: State, { createdAt, signedInAt }: Trial, { person, endsAt }: Subscription): boolean {
  if (signedInAt !== null && signedInAt < endsAt + SECOND) return true;
  return Object.values(state.sessions).some(
    (session) =>
      session.person === person &&
      session.createdAt <= createdAt &&
      Math.min(session.endedAt ?? session.expiresAt, session.lastUsedAt + UNHEARD) >= createdAt,
  );
}

function startTrial(state: State, person: Person, trial: Trial): void {
  const name = `${person}'s trial ${++trial.subscriptions}`;
  // A person who signed in after the previous trial ended uses the new trial from its start.
  trial.signedInAt &&= state.now;
  trial.subscription = name;
  state.subscriptions[name] = {
    person,
    isTrial: true,
    status: "trialing",
    createdAt: state.now,
    endsAt: state.now + TRIAL_LIFE,
    isRejected: false,
  };
  state.kept[person] ??= name;
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
  const known = { isRejected: false, ...state.subscriptions[name], ...current };
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
