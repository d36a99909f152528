import fc from "fast-check";
import { changesStatus } from "#tests/model/ways_in/admin_steps.ts";
import { removeOwnFactor, verifiesFactor, verifyFactor } from "#tests/model/ways_in/factor_steps.ts";
import { redeem, removesAddress } from "#tests/model/ways_in/message_steps.ts";
import { linkVisited, redeemVisit, unlinks, visit } from "#tests/model/ways_in/oauth_steps.ts";
import {
  account,
  asksAgain,
  asksToReset,
  beginsFactor,
  CURRENT,
  FIRST_USE,
  linksAccount,
  RIGHT,
  type Scene,
  signsInAndEnrols,
  signsInKnown,
} from "#tests/model/ways_in/scenes.ts";
import { present } from "#tests/model/ways_in/second_factor_steps.ts";
import { revokesAll, setPassword } from "#tests/model/ways_in/session_steps.ts";
import type { Plan } from "#tests/model/ways_in/step.ts";

/** Steps that lead to two at the same time. */
export interface Race {
  before: Scene;
  at: readonly [Plan, Plan];
}

const kind = fc.constantFrom("factor", "recovery");
const presents = fc
  .tuple(kind, fc.nat(2), fc.nat(1))
  .map(([how, index, delta]) => present(0, false, { ...RIGHT, index, delta }, how));
const redeems = fc.constant(redeem(0, true, false));
const signsIn = fc.oneof(redeems, signsInKnown, fc.constant(redeemVisit(0)), presents);

/** What ends sessions, ways in or factors. */
const ends = fc.oneof(
  fc.constant(removeOwnFactor(CURRENT, 0, true)),
  fc.constant(setPassword(CURRENT, 0, true)),
  changesStatus,
  revokesAll,
  verifiesFactor,
  unlinks,
  removesAddress,
);

const twice = <Of>(one: fc.Arbitrary<Of>) => one.map((of): [Of, Of] => [of, of]);

/** A first factor of a user with a second one: by a message, or by a password. */
const firstStep = fc.tuple(signsInAndEnrols, asksAgain).map(([one, other]): Scene => [...one, ...other]);

const race = (before: fc.Arbitrary<Scene>, at: fc.Arbitrary<[Plan, Plan]>): fc.Arbitrary<Race> =>
  fc.tuple(before, at).map(([scene, plans]) => ({ before: scene, at: plans }));

export const races: fc.Arbitrary<Race> = fc.oneof(
  // One challenge, message or visit, redeemed twice.
  race(firstStep, twice(presents)),
  race(
    asksAgain.map((steps) => steps.slice(0, 1)),
    twice(redeems),
  ),
  race(
    account.map((of) => [visit(of), visit(of)]),
    fc.constant([redeemVisit(0), redeemVisit(1)]),
  ),
  race(
    fc.tuple(linksAccount, linksAccount).map(([one, other]) => [...one.slice(0, 1), ...other.slice(0, 1)]),
    fc.constant([linkVisited(0, CURRENT, true, true), linkVisited(1, CURRENT, true, true)]),
  ),
  // A sign-in while what it relies on ends.
  race(firstStep, fc.tuple(presents, ends)),
  race(
    asksAgain.map((steps) => steps.slice(0, 1)),
    fc.tuple(redeems, ends),
  ),
  race(asksToReset, fc.tuple(redeems, signsIn)),
  race(beginsFactor, fc.tuple(fc.constant(verifyFactor(FIRST_USE)), signsIn)),
  race(fc.constant([]), fc.tuple(ends, ends)),
);
