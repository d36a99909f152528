import { explain } from "#tests/model/explain.ts";
import { auditHistory } from "#tests/model/ways_in/audit.ts";
import { distinct } from "#tests/model/ways_in/distinct.ts";
import { agrees, observe, offersWrongly } from "#tests/model/ways_in/observation.ts";
import { type Command, commands } from "#tests/model/ways_in/plans.ts";
import { emptyState, type State } from "#tests/model/ways_in/state.ts";
import type { Step } from "#tests/model/ways_in/step.ts";
import { type WaysInClock, WaysInUnderTest } from "#tests/model/ways_in/system.ts";
import type { TestNest } from "#tests/support/nest.ts";
import type { Scheduler } from "#tests/support/scheduler.ts";

export type { Command };
export { commands };

/** An authenticator app shows another code after this time (ms). */
const APP_STEP = 30_000;
/** The steps of concurrent operations have an order within a millisecond. */
const TICK = 0.001;
/** A call is shorter than this (ms), so a code that is shown at its start is shown at its end. */
const LONGEST_CALL = 2_000;

/** Plays a history of several people, and compares each response and each session with the model. */
export class WaysInHistory {
  readonly #system: WaysInUnderTest;
  readonly #scheduler: Scheduler;
  readonly #clock: WaysInClock;
  /** The states that are possible after the responses so far. */
  #states: State[];
  #count = 0;
  /** What each step was answered, without names. */
  readonly answers: string[] = [];

  constructor(nest: TestNest, scheduler: Scheduler, clock: WaysInClock) {
    this.#system = new WaysInUnderTest(nest);
    this.#scheduler = scheduler;
    this.#clock = clock;
    this.#states = [emptyState(clock.now().getTime())];
  }

  /** @throws Error if a response or the final state contradicts the model */
  async run(commands: readonly Command[]): Promise<void> {
    try {
      for (const command of commands) {
        if (command.kind === "time") this.#pass(command.seconds);
        else await this.#act(command);
      }
      this.#system.history.push("At the end:");
      this.#clock.isStanding = true;
      this.#states = await auditHistory(this.#system, this.#states);
    } catch (error) {
      const lines = this.#system.history.map((line) => `  ${line}`).join("\n");
      const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
      throw new Error(`A promise is broken: ${what}\n${lines}`);
    } finally {
      this.#clock.isStanding = false;
    }
  }

  #pass(seconds: number): void {
    this.#clock.advance(seconds);
    this.#system.history.push(`${seconds} s pass`);
  }

  #begin(): void {
    const left = APP_STEP - (this.#clock.now().getTime() % APP_STEP);
    if (left < LONGEST_CALL) this.#clock.advance(LONGEST_CALL / 1000);
    const now = this.#clock.now().getTime();
    for (const state of this.#states) state.now = now;
  }

  async #act({ plans, choices }: Extract<Command, { kind: "steps" }>): Promise<void> {
    const { nest, history } = this.#system;
    this.#begin();
    const [state] = this.#states as [State];
    const steps = withoutConfusion(
      plans.flatMap((plan) => plan(state, this.#system, String(++this.#count)) ?? []),
    );
    if (steps.length === 0) return;
    const from = { mail: nest.ses.inbox.length, sms: nest.sns.inbox.length };
    this.#system.usedBearers.clear();
    const work = steps.map((step) => () => step.call(this.#system));
    const { results, order } = await this.#scheduler.run(work, choices);
    for (const [index, { says, sends }] of steps.entries()) {
      history.push(`${index > 0 ? "   concurrently, " : ""}${says} -> ${results[index]}`);
      this.answers.push(`${says.replace(/'[^']*'|-?\d+/g, "_")} -> ${results[index]}`);
      if (sends && results[index] === "200") this.#system.readMessage(sends.key, sends.to, from);
    }
    await this.#explain(steps, results, order);
  }

  /** Keeps the states of the orders that explain the responses and the sessions. @throws Error if there is none */
  async #explain(
    steps: readonly Step[],
    results: readonly string[],
    order: readonly string[],
  ): Promise<void> {
    const rotated = steps.flatMap(({ refreshes }) => refreshes ?? []);
    const isRotated = rotated.some((session) => this.#system.usedBearers.has(session));
    const operations = steps.map(({ begin, finish, refreshes }, index) => ({
      begin(state: State) {
        state.now += TICK;
        return begin?.(state);
      },
      finish(state: State, begun: unknown) {
        // A refresh ends the access token that another call has presented.
        const isRefused = isRotated && refreshes === undefined && results[index] === "unauthorized";
        if (isRefused) return { code: "unauthorized" };
        state.now += TICK;
        return { code: finish(state, begun) };
      },
    }));
    const answers = results.map((code) => ({ code, holds: {} }));
    const allowed = new Set<string>();
    const explained = explain(this.#states, operations, answers, new Map(), allowed);
    const states = distinct(explained.map(({ state }) => state));
    const by = steps.length > 1 ? `\nOrder of I/O: ${order.join(", ")}` : "";
    if (states.length === 0) throw new Error(`the model allows ${[...allowed].join(", ")}${by}`);
    this.#clock.isStanding = true;
    const seen = await observe(this.#system, states);
    this.#clock.isStanding = false;
    const isAlone = steps.length === 1;
    const contradictions = states.map(
      (state) => agrees(this.#system, state, seen) ?? (isAlone ? offersWrongly(this.#system, state) : null),
    );
    this.#system.offered.clear();
    this.#states = states.filter((_state, index) => contradictions[index] === null);
    if (this.#states.length === 0) throw new Error(`${contradictions.join("\nor ")}${by}`);
  }
}

/** Of two messages to one address at once, nobody can tell which request each belongs to. */
function withoutConfusion(steps: readonly Step[]): Step[] {
  const [first, second] = steps;
  const areMixed = first?.sends !== undefined && first.sends.to === second?.sends?.to;
  const areExclusive = first?.exclusive !== undefined && first.exclusive === second?.exclusive;
  return first && (areMixed || areExclusive) ? [first] : [...steps];
}
