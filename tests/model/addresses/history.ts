import fc from "fast-check";
import {
  asks,
  redeems,
  registersFirst,
  registersNow,
  verifies,
} from "#tests/model/addresses/message_steps.ts";
import { refreshes, setsPassword, signsIn, signsOut } from "#tests/model/addresses/session_steps.ts";
import { emptyState, type State } from "#tests/model/addresses/state.ts";
import type { Plan, Step } from "#tests/model/addresses/step.ts";
import { AddressUnderTest } from "#tests/model/addresses/system.ts";
import { explain } from "#tests/model/explain.ts";
import type { TestNest } from "#tests/support/nest.ts";
import type { Scheduler } from "#tests/support/scheduler.ts";

/** One step, two at the same time, or time that passes. */
export type Command =
  | { kind: "steps"; plans: readonly Plan[]; choices: readonly number[] }
  | { kind: "time"; seconds: number };

const plans: fc.Arbitrary<Plan> = fc.oneof(
  { weight: 5, arbitrary: asks },
  { weight: 3, arbitrary: registersFirst },
  { weight: 3, arbitrary: registersNow },
  { weight: 4, arbitrary: verifies },
  { weight: 8, arbitrary: redeems },
  { weight: 3, arbitrary: signsIn },
  { weight: 2, arbitrary: setsPassword },
  { weight: 2, arbitrary: refreshes },
  { weight: 1, arbitrary: signsOut },
);

const time = fc
  .constantFrom(1, 61, 5 * 60, 11 * 60, 31 * 60)
  .map((seconds): Command => ({ kind: "time", seconds }));
const single = plans.map((plan): Command => ({ kind: "steps", plans: [plan], choices: [] }));
const concurrent = fc
  .tuple(plans, plans, fc.boolean(), fc.array(fc.nat(11), { maxLength: 60 }))
  .map(([one, other, isTwice, choices]): Command => {
    return { kind: "steps", plans: isTwice ? [one, one] : [one, other], choices };
  });

export const commands: fc.Arbitrary<Command[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: single },
    { weight: 4, arbitrary: concurrent },
    { weight: 1, arbitrary: time },
  ),
  { minLength: 4, maxLength: 16, size: "max" },
);

/** Plays a history of one address, and compares each response and each session with the model. */
export class AddressHistory {
  readonly #system: AddressUnderTest;
  readonly #scheduler: Scheduler;
  /** The states that are possible after the responses so far. */
  #states: State[];
  #count = 0;
  /** What each step was answered, without names. */
  readonly answers: string[] = [];

  constructor(nest: TestNest, scheduler: Scheduler, address: string) {
    this.#system = new AddressUnderTest(nest, address);
    this.#scheduler = scheduler;
    this.#states = [emptyState(nest.clock.now().getTime())];
  }

  async run(commands: readonly Command[]): Promise<void> {
    for (const command of commands) {
      if (command.kind === "time") this.#system.nest.clock.advance(command.seconds);
      else await this.#act(command);
    }
  }

  async #act({ plans, choices }: Extract<Command, { kind: "steps" }>): Promise<void> {
    const { nest, history } = this.#system;
    const [state] = this.#states as [State];
    const steps = withoutConfusion(
      plans.flatMap((plan) => plan(state, this.#system, String(++this.#count)) ?? []),
    );
    if (steps.length === 0) return;
    const now = nest.clock.now().getTime();
    for (const state of this.#states) state.now = now;
    const from = nest.ses.inbox.length;
    const work = steps.map((step) => () => step.call(this.#system));
    const { results, order } = await this.#scheduler.run(work, choices);
    for (const [index, { says }] of steps.entries()) {
      history.push(`${index > 0 ? "   concurrently, " : ""}${says} -> ${results[index]}`);
      this.answers.push(`${says.replace(/'[^']*'|\d+/g, "_")} -> ${results[index]}`);
    }
    this.#read(steps, results, from);
    await this.#explain(steps, results, order);
  }

  #read(steps: readonly Step[], results: readonly string[], from: number): void {
    for (const [index, { mails, name }] of steps.entries())
      if (mails && results[index] === "200")
        this.#system.readMail(name, mails.purpose, mails.isByToken, from);
  }

  /** Keeps the states of the orders that explain the responses and the sessions. @throws Error if there is none */
  async #explain(
    steps: readonly Step[],
    results: readonly string[],
    order: readonly string[],
  ): Promise<void> {
    const live = await this.#liveSessions();
    const operations = steps.map(({ begin, finish }) => ({
      begin: (state: State) => begin?.(state),
      finish: (state: State, begun: unknown) => ({ code: finish(state, begun) }),
    }));
    const answers = results.map((code) => ({ code, holds: {} }));
    const allowed = new Set<string>();
    const explained = explain(this.#states, operations, answers, new Map(), allowed);
    const states = explained.map(({ state }) => state);
    const found = states.filter((state) => liveIn(state).join() === live.join());
    if (found.length === 0)
      throw this.#broken(
        states.length === 0
          ? `the model allows ${[...allowed].join(", ")}`
          : `sessions ${live.join() || "none"} are live, but must be ${states.map((state) => liveIn(state).join() || "none").join(" or ")}`,
        order,
      );
    this.#states = found;
  }

  /** The names of the sessions whose access token is accepted. */
  async #liveSessions(): Promise<string[]> {
    const live: string[] = [];
    for (const [name, { access_token }] of this.#system.tokens) {
      const [code] = await this.#system.call("get_user", "owner", {}, access_token);
      if (code === "200") live.push(name);
    }
    return live.sort();
  }

  #broken(what: string, order: readonly string[]): Error {
    const lines = this.#system.history.map((line) => `  ${line}`).join("\n");
    return new Error(`A promise is broken: ${what}.\n${lines}\nOrder of I/O: ${order.join(", ")}`);
  }
}

const liveIn = ({ sessions }: State) =>
  Object.keys(sessions)
    .filter((name) => sessions[name]?.isLive)
    .sort();

/** Of two mails at once, nobody can tell which request each belongs to. */
function withoutConfusion(steps: readonly Step[]): Step[] {
  const [first, second] = steps;
  return first?.mails && second?.mails ? [first] : [...steps];
}
