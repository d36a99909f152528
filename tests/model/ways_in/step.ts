import fc from "fast-check";
import { newest } from "#tests/model/operation.ts";
import { ADDRESSES, type Address, PEOPLE, type State } from "#tests/model/ways_in/state.ts";
import type { WaysInUnderTest } from "#tests/model/ways_in/system.ts";

/** What a person does: the call, and what the model says about it, in two steps as every operation of a model. */
export interface Step<Begun = unknown> {
  name: string;
  says: string;
  /** @returns the code of the response */
  call(system: WaysInUnderTest): Promise<string>;
  /** What the call decides by what it reads. */
  begin?(state: State): Begun;
  /** Changes the state as the call does. @returns the code of the response */
  finish(state: State, begun: Begun): string;
  /** Where the message goes that the step requests, if it does, and what its secret is kept as. */
  sends?: { to: Address; key: string };
  /** Steps with the same value do not run at the same time. */
  exclusive?: string;
  /** The session whose tokens it replaces. */
  refreshes?: string;
}

/** Hides the type of the value that the first step passes to the second. */
export const step = <Begun>(of: Step<Begun>): Step => of as Step;

/**
 * Creates a step for the current state; null if it is not possible now.
 * @param name name of the step and of what it creates
 */
export type Plan = (state: State, system: WaysInUnderTest, name: string) => Step | null;

export const person = fc.constantFrom(...PEOPLE);
export const address = fc.constantFrom(...ADDRESSES);
/** How far before the newest. */
export const back = fc.nat(5);
/** Mostly the right one. */
export const mostly = (right: boolean) =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(right) }, { weight: 1, arbitrary: fc.constant(!right) });

/** Which session: mostly one that is live. */
export const chosenSession = fc.record({ nth: back, mayHaveEnded: mostly(false) });
export type ChosenSession = typeof chosenSession extends fc.Arbitrary<infer Chosen> ? Chosen : never;

/** The name of a session; undefined if there is none. */
export function sessionOf(state: State, { nth, mayHaveEnded }: ChosenSession): string | undefined {
  const all = Object.entries(state.sessions).filter(([, { isLive }]) => isLive || mayHaveEnded);
  return newest(all, nth)?.[0];
}

/** The name and value of the element `back` places before the newest of those that match. */
export const newestOf = <Of>(
  all: Record<string, Of>,
  nth: number,
  which: (one: Of, name: string) => boolean,
) =>
  newest(
    Object.entries(all).filter(([name, one]) => which(one, name)),
    nth,
  );
