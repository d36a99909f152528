import type { State } from "#tests/model/state.ts";
import type { Answer, SystemUnderTest } from "#tests/model/system.ts";

/** A response that the model allows. */
export interface Expected {
  code: string;
  /** Names of the values in the response, such as `refresh_token`: `session 3, token 2`. */
  names?: Record<string, string>;
}

/**
 * An operation of a user or of Stripe. In the model it has two atomic steps between request and response: the decision and
 * its effects. The responses of concurrent calls must be explained by some order of their steps.
 */
export interface Operation<Begun = unknown, Of = State, System = SystemUnderTest> {
  /** The operation in words. */
  says: string;
  /** Stripe retries a webhook until it succeeds, so the model accepts any response while other calls run. */
  isWebhook?: boolean;
  call(system: System): Promise<Answer>;
  begin(state: Of): Begun;
  finish(state: Of, begun: Begun): Expected;
}

/** Hides the type of the value that the first step passes to the second. */
export function operation<Begun>(of: Operation<Begun>): Operation {
  return of as Operation;
}

/**
 * Creates an operation for the current state; null if it is not possible now.
 * @param name name of the operation and of the objects that it creates
 */
export type Plan = (state: State, system: SystemUnderTest, name: string) => Operation | null;

/** The element `back` places before the newest, modulo the length; undefined for an empty list. */
export function newest<Element>(list: readonly Element[], back: number): Element | undefined {
  return list.at(-1 - (back % Math.max(1, list.length)));
}
