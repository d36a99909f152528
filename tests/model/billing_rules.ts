/** The promises about trials and subscriptions (contract 1.3), as rules over the model's state. */
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
/** Webhooks come late: after its end a subscription is usable for this long. */
const LATE = DAY;
/** So long a machine may go on with an access token before it must refresh it. */
const UNHEARD = 10 * DAY;
/** The better ones first. */
const RANKS = ["active", "trialing", "past_due"];

/** A subscription at Stripe, as it is there now. */
export type AtStripe = Omit<Subscription, "isRejected">;

export const hasEnded = ({ status }: { status: string }) => status === "canceled";

function isBetter(one: AtStripe, other: AtStripe): boolean {
  const difference = RANKS.indexOf(one.status) - RANKS.indexOf(other.status);
  return difference === 0 ? one.createdAt < other.createdAt : difference < 0;
}

/** The one of these that is kept, whatever the order in which Nest hears of them. */
export function best(living: [name: string, subscription: AtStripe][]): string | null {
  const [first] = living.toSorted(([, one], [, other]) => (isBetter(one, other) ? -1 : 1));
  return first?.[0] ?? null;
}

/** The status of the subscription that a person can use, or null. */
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

/** Why a person can't have a trial on a machine, or null; a null makes it theirs, on that machine too. */
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

/** Whether its owner signed in before it ended, or was signed in when it was made; else a stranger wasted it. */
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
  // Whoever signed in since the one before ended has this one from its beginning.
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

/** What an event of a subscription does. @returns the code it is answered with */
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
  if (!isKnown && event !== "created") return "subscription_not_ready";
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

/** Of those that live one is kept; the other is cancelled and given back. */
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
 * Every event has arrived: of each person's living subscriptions the best is left, and Nest knows all as they are.
 * @param before what lived at Stripe before the events came
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
