import fc from "fast-check";
import { PEOPLE, type Person, type Purpose, type State } from "#tests/model/addresses/state.ts";
import type { AddressUnderTest } from "#tests/model/addresses/system.ts";
import { newest } from "#tests/model/operation.ts";

/** What a person does: the call, and what the model says about it, in two steps as every operation of a model. */
export interface Step<Begun = unknown> {
  name: string;
  says: string;
  /** @returns the code of the response */
  call(system: AddressUnderTest): Promise<string>;
  /** What the call decides by what it reads. */
  begin?(state: State): Begun;
  /** Changes the state as the call does. @returns the code of the response */
  finish(state: State, begun: Begun): string;
  /** The mail that the step requests, if it does. */
  mails?: { purpose: Purpose; isByToken: boolean };
}

/** Hides the type of the value that the first step passes to the second. */
export const step = <Begun>(of: Step<Begun>): Step => of as Step;

/**
 * Creates a step for the current state; null if it is not possible now.
 * @param name name of the step and of what it creates
 */
export type Plan = (state: State, system: AddressUnderTest, name: string) => Step | null;

export const person = fc.constantFrom(...PEOPLE);
/** How far before the newest. */
export const back = fc.nat(3);

/** A session of a person, live or not. */
export const sessionOf = (state: State, by: Person, nth: number) =>
  newest(
    Object.entries(state.sessions).filter(([, { person }]) => person === by),
    nth,
  )?.[0];
