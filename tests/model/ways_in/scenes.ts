import fc from "fast-check";
import { createFactor, removeOwnFactor, verifyFactor } from "#tests/model/ways_in/factor_steps.ts";
import { add, askForCode, askForLink, askForReset, redeem } from "#tests/model/ways_in/message_steps.ts";
import { linkVisited, redeemVisit, unlink, visit, visitToLink } from "#tests/model/ways_in/oauth_steps.ts";
import { signInPassword } from "#tests/model/ways_in/rules.ts";
import { askForFactorCode, present, stepUp } from "#tests/model/ways_in/second_factor_steps.ts";
import { setPassword, signInByPassword } from "#tests/model/ways_in/session_steps.ts";
import {
  ACCOUNTS,
  type Account,
  ADDRESSES,
  type Address,
  activeFactors,
  type FactorType,
  isMail,
  READERS,
  type State,
} from "#tests/model/ways_in/state.ts";
import type { Plan } from "#tests/model/ways_in/step.ts";

/** Steps in a row that lead somewhere, which steps chosen one by one seldom do. */
export type Scene = readonly Plan[];

const to = fc.constantFrom<Address>(
  "annMail",
  "annMail",
  "sharedMail",
  "sharedMail",
  "benMail",
  "annPhone",
  "sharedPhone",
);
export const CURRENT = { nth: 0, mayHaveEnded: false };
const readerOf = (address: Address) => READERS[address][0];
/** The first code of the newest factor. */
export const FIRST_USE = { nth: 0, nthSession: 0, isRight: true, isOwn: true, delta: 0 };
export const RIGHT = { nth: 0, isOwn: true, isRight: true, delta: 1, index: 0 };

const factor = fc.constantFrom("factor", "factor", "recovery");
/** A second factor, if the step before was answered with `mfa_required`: a code that is shown, or one that is sent. */
const secondFactor = fc
  .tuple(factor, fc.nat(2), fc.nat(3), fc.constantFrom(0, 1))
  .map(([kind, nth, index, delta]) => {
    const chosen = { ...RIGHT, nth, index, delta };
    return [askForFactorCode(0, nth, true), present(0, false, chosen, kind)];
  });

/** An address of a user with a second factor, or else of anybody; the given one if nobody has an address. */
const addressIn = (state: State, address: Address, wanted: "factor" | "user"): Address => {
  const owned = ADDRESSES.filter((one) => state.addresses[one] !== undefined);
  const protectedOnes = owned.filter(
    (one) => activeFactors(state, state.addresses[one]?.user ?? "").length > 0,
  );
  const found = wanted === "factor" && protectedOnes.length > 0 ? protectedOnes : owned;
  return found.includes(address) ? address : (found[0] ?? address);
};

/** A message to an address that somebody has, most often. */
export const asksAgain = fc
  .tuple(to, fc.constantFrom("link", "code", "token"))
  .map(([address, kind]): Scene => {
    const ask: Plan = (state, system, name) => {
      const known = addressIn(state, address, "factor");
      const by = readerOf(known);
      const plan =
        kind === "link" && isMail(known) ? askForLink(by, known) : askForCode(by, known, kind === "token");
      return plan(state, system, name);
    };
    return [ask, redeem(0, true, kind === "token")];
  });

const signsIn = fc
  .tuple(to, fc.boolean(), fc.boolean())
  .map(([address, isLink, byToken]) =>
    isLink && isMail(address)
      ? [askForLink(readerOf(address), address), redeem(0, true, false)]
      : [askForCode(readerOf(address), address, byToken), redeem(0, true, byToken)],
  );

const setsFirstPassword = signsIn.map((steps) => [...steps, setPassword(CURRENT, 0, true)]);

const enrols = fc
  .tuple(
    fc.constantFrom<FactorType>("totp", "totp", "sms", "email"),
    fc.constantFrom<Address>("annPhone", "sharedPhone"),
  )
  .map(([type, number]) => [createFactor(CURRENT, type, number), verifyFactor(FIRST_USE)]);
/** A factor that waits for its first code. */
export const beginsFactor = fc.tuple(signsIn, enrols).map(([one, [create]]) => [...one, create as Plan]);

export const signsInAndEnrols = fc.tuple(signsIn, enrols).map(([one, other]) => [...one, ...other]);
const signsInTwice = fc.tuple(asksAgain, secondFactor).map(([one, other]) => [...one, ...other]);
/** Signs in with the password of somebody who has one. */
export const signsInKnown = to.map(
  (address): Plan =>
    (state, system, name) => {
      const withPassword = ADDRESSES.filter((one) => signInPassword(state, one)?.password);
      const known = withPassword.includes(address) ? address : (withPassword[0] ?? address);
      return signInByPassword(known, 0, true)(state, system, name);
    },
);
const byPassword = fc.tuple(signsInKnown, secondFactor).map(([plan, steps]): Scene => [plan, ...steps]);
export const account = fc.constantFrom(...(Object.keys(ACCOUNTS) as Account[]));
const byProvider = fc
  .tuple(account, secondFactor)
  .map(([of, steps]) => [visit(of), redeemVisit(0), ...steps]);
export const linksAccount = account.map((of) => [
  visitToLink(CURRENT, of),
  linkVisited(0, CURRENT, true, true),
]);
/** Signs in with an account that was unlinked: nobody gets it back by its address. */
const comesBack = account.map((of): Scene => {
  const sign: Scene = [visit(of), redeemVisit(0)];
  return [...sign, unlink(CURRENT, of, false, 0), ...sign];
});
export const asksToReset = to.map((address): Scene => {
  const ask: Plan = (state, system, name) => {
    const known = addressIn(state, address, "user");
    return askForReset(readerOf(known), known)(state, system, name);
  };
  return [ask];
});
const resets = asksToReset.map((steps) => [...steps, redeem(0, true, true)]);
const addsAddress = to.map((address) => [add(CURRENT, readerOf(address), address), redeem(0, true, false)]);
const freshens = secondFactor.map((steps) => [stepUp(CURRENT), ...steps]);
const removes = freshens.map((steps) => [...steps, removeOwnFactor(CURRENT, 0, true)]);

export const scenes: fc.Arbitrary<Scene> = fc.oneof(
  { weight: 3, arbitrary: signsIn },
  { weight: 2, arbitrary: setsFirstPassword },
  { weight: 4, arbitrary: signsInAndEnrols },
  { weight: 2, arbitrary: enrols },
  { weight: 3, arbitrary: signsInTwice },
  { weight: 4, arbitrary: byPassword },
  { weight: 3, arbitrary: byProvider },
  { weight: 2, arbitrary: linksAccount },
  { weight: 2, arbitrary: comesBack },
  { weight: 2, arbitrary: resets },
  { weight: 2, arbitrary: addsAddress },
  { weight: 2, arbitrary: freshens },
  { weight: 1, arbitrary: removes },
);
