import type { State } from "#tests/model/state.ts";
import type { Answer, SystemUnderTest } from "#tests/model/system.ts";

/** What the promises let a call answer. */
export interface Expected {
  code: string;
  /** What the answer's things are called from now on, such as `refresh_token`: `session 3, token 2`. */
  names?: Record<string, string>;
}

/**
 * Something that somebody does. In the model it takes effect in two steps, each at one moment between the question and
 * the answer: what is decided, and what follows. Calls at once must answer as some order of their steps explains.
 */
export interface Operation<Begun = unknown> {
  /** A sentence. */
  says: string;
  /** Stripe comes again until it is taken: beside others it may be answered in any way. */
  isWebhook?: boolean;
  call(system: SystemUnderTest): Promise<Answer>;
  begin(state: State): Begun;
  finish(state: State, begun: Begun): Expected;
}

/** Keeps the type of what an operation hands from its first step to its second. */
export function operation<Begun>(of: Operation<Begun>): Operation {
  return of as Operation;
}

/**
 * Makes an operation of what there is at the moment; null if it can't be done now.
 * @param name under which it will be known, and whatever it makes
 */
export type Plan = (state: State, system: SystemUnderTest, name: string) => Operation | null;

/** The newest but `back`, around and around; undefined where there is none. */
export function newest<Element>(list: readonly Element[], back: number): Element | undefined {
  return list.at(-1 - (back % Math.max(1, list.length)));
}
