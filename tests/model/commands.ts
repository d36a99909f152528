import fc from "fast-check";
import { hears, looks, startsTrial, uses } from "#tests/model/billing_plans.ts";
import { best, hasEnded, settle } from "#tests/model/billing_rules.ts";
import { explain } from "#tests/model/explain.ts";
import { newest, type Operation, type Plan } from "#tests/model/operation.ts";
import { calls, listsSessions, refreshes, revokes, signsOut } from "#tests/model/session_plans.ts";
import { asks, asksFor, person, redeems, redeemsLink } from "#tests/model/sign_in_plans.ts";
import { MACHINES, PEOPLE, type State } from "#tests/model/state.ts";
import type { SystemUnderTest } from "#tests/model/system.ts";

/** The states that are possible after the responses so far. */
export interface Model {
  states: State[];
  /** Number of operations so far. */
  count: number;
}

type Command = fc.AsyncCommand<Model, SystemUnderTest>;

/** A call hit its time limit because the test machine was too slow. */
export class TooSlow extends Error {}

function command(says: string, run: (model: Model, system: SystemUnderTest) => Promise<void>): Command {
  return { check: () => true, run, toString: () => says };
}

/** Runs operations, concurrently if there are several, and checks that the model allows their responses. */
export async function act(
  model: Model,
  system: SystemUnderTest,
  plans: readonly Plan[],
  choices: readonly number[] = [],
): Promise<void> {
  const [state] = model.states as [State];
  const operations = plans.flatMap((plan) => plan(state, system, String(++model.count)) ?? []);
  if (operations.length === 0) return;
  const before = system.atStripe();
  const startedAt = Date.now();
  const work = operations.map((operation) => () => operation.call(system));
  const { results, order } =
    work.length === 1
      ? { results: [await (work[0] as () => ReturnType<Operation["call"]>)()], order: [] }
      : await system.scheduler.run(work, choices);
  if (results.some(({ code }) => code === "unavailable") && Date.now() - startedAt > 2_000)
    throw new TooSlow();
  for (const [number, { says }] of operations.entries())
    system.history.push(`${number > 0 ? "   concurrently, " : ""}${says} -> ${results[number]?.code}`);
  const expected = new Set<string>();
  const explanations = explain(model.states, operations, results, system.names, expected);
  const [first] = explanations;
  if (!first) throw broken(system, `the model allows ${[...expected].join(", ") || "nothing"}`, order);
  model.states = explanations.map((explanation) => explanation.state);
  for (const [name, value] of first.names) system.names.set(name, value);
  if (operations.length > 1 && operations.some(({ isWebhook }) => isWebhook))
    await deliverAll(model, system, { ...system.atStripe(), ...before });
}

/** Delivers every event and checks that each person keeps their best subscription. */
export async function deliverAll(
  model: Model,
  system: SystemUnderTest,
  before = system.atStripe(),
): Promise<void> {
  await system.deliverAll();
  system.history.push("Stripe delivers every event");
  const after = system.atStripe();
  for (const state of model.states) settle(state, before, after);
  for (const person of PEOPLE) {
    const of = (all: typeof after) =>
      Object.entries(all).filter(([, one]) => one.person === person && !hasEnded(one));
    const wanted = best(of(before).filter(([name]) => !model.states[0]?.subscriptions[name]?.isRejected));
    const living = of(after).map(([name]) => name);
    if (living.join() !== (wanted ?? ""))
      throw broken(
        system,
        `${person} must keep ${wanted ?? "no subscription"}, but has ${living.join() || "none"}`,
      );
  }
}

export function broken(system: SystemUnderTest, what: string, order: readonly string[] = []): Error {
  const lines = system.history.map((line) => `  ${line}`).join("\n");
  const operationOrder = order.length > 0 ? `\nOrder of I/O: ${order.join(", ")}` : "";
  return new Error(`A promise is broken: ${what}.\n${lines}${operationOrder}`);
}

/** Steps of time; most are short. */
const MOVES = [
  ["11 seconds", 11],
  ["11 seconds", 11],
  ["11 seconds", 11],
  ["21 minutes", 21 * 60],
  ["61 minutes", 61 * 60],
  ["2 days", 2 * 86_400],
  ["15 days", 15 * 86_400],
  ["366 days", 366 * 86_400],
] as const;

function pass(model: Model, system: SystemUnderTest, seconds: number): void {
  system.nest.clock.advance(seconds);
  system.nest.stripe.advance(0);
  for (const state of model.states) state.now = system.nest.clock.now().getTime();
}

const moves = fc.constantFrom(...MOVES).map(([says, seconds]) => {
  return command(`${says} pass`, async (model, system) => {
    system.history.push(`${says} pass`);
    pass(model, system, seconds);
  });
});

const buys = person.map((who) =>
  command(`${who} buys a subscription`, async (model, system) => {
    system.history.push(`${who} buys a subscription`);
    pass(model, system, 2);
    system.nest.stripe.createSubscription({ email: system.addressOf(who) });
  }),
);

const cancels = fc.tuple(person, fc.nat(3), fc.boolean()).map(([who, back, isAtPeriodEnd]) =>
  command(
    `${who} cancels ${isAtPeriodEnd ? "at the end of the period" : "at once"}`,
    async (_model, system) => {
      const living = Object.entries(system.atStripe()).filter(
        ([, one]) => one.person === who && !hasEnded(one),
      );
      const [name] = newest(living, back) ?? [];
      if (name === undefined) return;
      system.history.push(`${name} is canceled ${isAtPeriodEnd ? "at the end of its period" : "at once"}`);
      system.nest.stripe.cancelSubscription(system.stripeIdOf(name), { isAtPeriodEnd });
    },
  ),
);

const arrives = fc.constant(
  command("Stripe delivers every event", (model, system) => deliverAll(model, system)),
);

const plan = fc.oneof(
  { weight: 3, arbitrary: asks },
  { weight: 5, arbitrary: redeems },
  { weight: 6, arbitrary: refreshes },
  { weight: 4, arbitrary: calls },
  { weight: 1, arbitrary: signsOut },
  { weight: 1, arbitrary: revokes },
  { weight: 2, arbitrary: startsTrial },
  { weight: 2, arbitrary: uses },
  { weight: 3, arbitrary: hears },
);
const single = fc
  .oneof(
    { weight: 10, arbitrary: plan },
    { weight: 1, arbitrary: listsSessions },
    { weight: 1, arbitrary: looks },
  )
  .map((one) => command("one operation", (model, system) => act(model, system, [one])));

/** One to three concurrent operations, some of them twice. The numbers decide the order of their I/O. */
const concurrent = fc
  .tuple(
    fc.array(fc.tuple(plan, fc.constantFrom(1, 1, 2)), { minLength: 1, maxLength: 3 }),
    fc.array(fc.nat(11), { maxLength: 40 }),
  )
  .map(([chosen, choices]) => {
    const plans = chosen.flatMap(([one, times]) => Array<Plan>(times).fill(one)).slice(0, 4);
    return command("concurrent operations", (model, system) => act(model, system, plans, choices));
  });

const signsIn = fc.constantFrom(...MACHINES).map((machine) => {
  const owner = PEOPLE.find((person) => machine.startsWith(person)) as (typeof PEOPLE)[number];
  return command(`${owner} signs in`, async (model, system) => {
    await act(model, system, [asksFor(owner, machine)]);
    await act(model, system, [redeemsLink(String(model.count))]);
  });
});

/** Longer than a redemption may run, so it can be resumed. */
const RESUMABLE_AFTER_SECONDS = 6;

const repeatsSignIn = fc
  .tuple(fc.constantFrom(...MACHINES), fc.array(fc.nat(11), { maxLength: 40 }))
  .map(([machine, choices]) => {
    const owner = PEOPLE.find((person) => machine.startsWith(person)) as (typeof PEOPLE)[number];
    return command(
      `${owner} signs in, loses the answer and repeats the request twice`,
      async (model, system) => {
        await act(model, system, [asksFor(owner, machine)]);
        const link = String(model.count);
        await act(model, system, [redeemsLink(link)]);
        pass(model, system, RESUMABLE_AFTER_SECONDS);
        await act(model, system, [redeemsLink(link), redeemsLink(link)], choices);
      },
    );
  });

/** Histories of up to 40 commands. */
export const histories: fc.Arbitrary<Iterable<Command>> = fc.commands(
  [
    ...Array(10).fill(single),
    ...Array(8).fill(concurrent),
    ...[signsIn, signsIn, signsIn, repeatsSignIn, moves, moves, buys, cancels, arrives],
  ],
  { maxCommands: 40, size: "max" },
);
