import fc from "fast-check";
import { adminRemovesFactor, changesStatus, deletes } from "#tests/model/ways_in/admin_steps.ts";
import {
  createsFactor,
  removesFactor,
  replacesRecoveryCodes,
  verifiesFactor,
} from "#tests/model/ways_in/factor_steps.ts";
import {
  adds,
  asksForCode,
  asksForLink,
  asksForReset,
  redeems,
  registersFirst,
  removesAddress,
} from "#tests/model/ways_in/message_steps.ts";
import { links, redeemsVisit, unlinks, visits, visitsToLink } from "#tests/model/ways_in/oauth_steps.ts";
import { races } from "#tests/model/ways_in/races.ts";
import { scenes } from "#tests/model/ways_in/scenes.ts";
import { asksForFactorCode, presents, stepsUp } from "#tests/model/ways_in/second_factor_steps.ts";
import {
  refreshes,
  registersNow,
  revokesAll,
  revokesSession,
  setsPassword,
  signsInByPassword,
  signsOut,
} from "#tests/model/ways_in/session_steps.ts";
import type { Plan } from "#tests/model/ways_in/step.ts";

/** One step, two at the same time, or time that passes. */
export type Command =
  | { kind: "steps"; plans: readonly Plan[]; choices: readonly number[] }
  | { kind: "time"; seconds: number };

const plans: fc.Arbitrary<Plan> = fc.oneof(
  { weight: 3, arbitrary: asksForLink },
  { weight: 4, arbitrary: asksForCode },
  { weight: 3, arbitrary: asksForReset },
  { weight: 3, arbitrary: registersFirst },
  { weight: 2, arbitrary: registersNow },
  { weight: 3, arbitrary: adds },
  { weight: 14, arbitrary: redeems },
  { weight: 1, arbitrary: removesAddress },
  { weight: 6, arbitrary: signsInByPassword },
  { weight: 3, arbitrary: setsPassword },
  { weight: 2, arbitrary: refreshes },
  { weight: 1, arbitrary: signsOut },
  { weight: 1, arbitrary: revokesSession },
  { weight: 1, arbitrary: revokesAll },
  { weight: 7, arbitrary: createsFactor },
  { weight: 8, arbitrary: verifiesFactor },
  { weight: 3, arbitrary: stepsUp },
  { weight: 4, arbitrary: asksForFactorCode },
  { weight: 10, arbitrary: presents },
  { weight: 3, arbitrary: removesFactor },
  { weight: 1, arbitrary: replacesRecoveryCodes },
  { weight: 4, arbitrary: visits },
  { weight: 5, arbitrary: redeemsVisit },
  { weight: 3, arbitrary: visitsToLink },
  { weight: 3, arbitrary: links },
  { weight: 2, arbitrary: unlinks },
  { weight: 1, arbitrary: changesStatus },
  { weight: 1, arbitrary: adminRemovesFactor },
  { weight: 1, arbitrary: deletes },
);

const time = fc
  .constantFrom(7, 31, 31, 31, 61, 61, 243, 667, 1870)
  .map((seconds): Command[] => [{ kind: "time", seconds }]);
/** Of plans that are not possible now, the next is tried. */
const possible = fc.array(plans, { minLength: 4, maxLength: 4, size: "max" }).map(
  (tried): Plan =>
    (state, system, name) => {
      for (const plan of tried) {
        const found = plan(state, system, name);
        if (found) return found;
      }
      return null;
    },
);
const alone = (plan: Plan): Command => ({ kind: "steps", plans: [plan], choices: [] });
const single = possible.map((plan) => [alone(plan)]);
const scene = scenes.map((steps) => steps.map(alone));
/** Which of the waiting I/O operations runs next. */
const choices = fc.array(fc.nat(11), { maxLength: 60, size: "max" });
const race = fc
  .tuple(races, choices)
  .map(([{ before, at }, choices]): Command[] => [
    ...before.map(alone),
    { kind: "steps", plans: at, choices },
  ]);
const concurrent = fc
  .tuple(possible, possible, fc.boolean(), choices)
  .map(([one, other, isTwice, choices]): Command[] => [
    { kind: "steps", plans: isTwice ? [one, one] : [one, other], choices },
  ]);

export const commands: fc.Arbitrary<Command[]> = fc
  .array(
    fc.oneof(
      { weight: 5, arbitrary: single },
      { weight: 2, arbitrary: concurrent },
      { weight: 3, arbitrary: race },
      { weight: 6, arbitrary: scene },
      { weight: 2, arbitrary: time },
    ),
    { minLength: 8, maxLength: 24, size: "max" },
  )
  .map((parts) => parts.flat());
