import fc from "fast-check";
import { endSessions, isReachable, needsFactor, needsFresh } from "#tests/model/ways_in/rules.ts";
import {
  type Address,
  ATTEMPTS,
  activeFactors,
  addressesOf,
  type Factor,
  type FactorType,
  isMail,
  MINUTES,
  mayAdd,
  record,
  type State,
  userOf,
} from "#tests/model/ways_in/state.ts";
import {
  back,
  type ChosenSession,
  chosenSession,
  mostly,
  newestOf,
  type Plan,
  sessionOf,
  step,
} from "#tests/model/ways_in/step.ts";
import type { WaysInUnderTest } from "#tests/model/ways_in/system.ts";
import { appCode } from "#tests/support/mfa.ts";

const STEP = 30_000;
export const stepAt = (now: number) => Math.floor(now / STEP);

/** The code of an authenticator app at a time step. */
export const appCodeAt = (system: WaysInUnderTest, factor: string, at: number) =>
  appCode(system.factors.get(factor)?.seed ?? "", new Date(at * STEP));

/** Begins to add a factor. */
export const createFactor =
  (chosen: ChosenSession, type: FactorType, number: Address): Plan =>
  (before, system, name) => {
    const by = sessionOf(before, chosen);
    if (by === undefined) return null;
    const { user = "" } = before.sessions[by] ?? {};
    const mail = addressesOf(before, user, true).filter(isMail);
    // Which of several is the primary one, the addresses suite knows.
    if (type === "email" && mail.length > 1) return null;
    const to = type === "sms" ? number : type === "email" ? (mail[0] ?? null) : null;
    return step({
      name,
      says: `adds factor ${name} (${type}${to ? ` ${to}` : ""}) in session ${by}`,
      async call() {
        const phone = type === "sms" && { phone_number: system.value(number) };
        const body = { factor_type: type, confirm: true, ...phone };
        const [code, { body: created }] = await system.call("create_mfa_factor", body, {
          bearer: system.bearer(by),
        });
        if (code === "200") system.factors.set(name, { id: created.factor_id, seed: created.secret });
        return code;
      },
      begin(state) {
        const { user = "" } = state.sessions[by] ?? {};
        const isOwner = type !== "email" || addressesOf(state, user, true).some(isMail);
        const isRefused = !mayAdd(state, user) || !isOwner;
        const isUseful = isReachable(state, user, { factors: [{ type, to }] });
        const refused =
          needsFresh(state, by) ??
          (isRefused ? "own_address_not_verified" : null) ??
          (isUseful ? null : "factor_repeats_sign_in");
        // Of two at the same time, neither takes the place of the other.
        for (const other of refused === null ? Object.values(state.factors) : [])
          if (other.user === user && other.type === type && other.status === "pending")
            other.status = "replaced";
        return refused;
      },
      finish(state, refused) {
        if (refused) return refused;
        const { user = "" } = state.sessions[by] ?? {};
        // It was removed since.
        const isRemoved = type === "email" && to !== null && state.addresses[to]?.user !== user;
        if (isRemoved) return "own_address_not_verified";
        state.factors[name] = {
          ...{ user, type, to, status: "pending", wasActive: false, attempts: 0 },
          ...{ lastStep: null, lastBy: null, creator: by, activator: null },
          expiresAt: Math.floor(state.now) + MINUTES(15),
        };
        return "200";
      },
      ...(to && { sends: { to, key: name } }),
    });
  };
export const createsFactor = fc
  .tuple(
    chosenSession,
    fc.constantFrom<FactorType>("totp", "totp", "sms", "email"),
    fc.constantFrom<Address>("annPhone", "sharedPhone"),
  )
  .map((args) => createFactor(...args));

/** Which factor is verified, in which session, and with which code. `delta`: time steps from now. */
interface ChosenFirst {
  nth: number;
  nthSession: number;
  isRight: boolean;
  isOwn: boolean;
  delta: number;
}

/** Presents the first code of a factor, mostly one that waits, in a session of its user. */
export const verifyFactor =
  ({ nth, nthSession, isRight, isOwn, delta }: ChosenFirst): Plan =>
  (before, system, name) => {
    const [of, factor] = newestOf(before.factors, nth, ({ status }) => status !== "removed") ?? [];
    if (of === undefined || !factor) return null;
    const owns = (user: string) => (user === factor.user) === isOwn;
    const [by] = newestOf(before.sessions, nthSession, ({ user, isLive }) => isLive && owns(user)) ?? [];
    if (by === undefined) return null;
    const at = stepAt(before.now) + delta;
    const code =
      factor.type === "totp" ? appCodeAt(system, of, isRight ? at : at + 100) : system.codeOf(of, isRight);
    return step({
      name,
      says: `verifies factor ${of} by ${isRight ? "" : "wrong "}code (${delta}) in session ${by} (${name})`,
      async call() {
        const body = { factor_id: system.factors.get(of)?.id, code };
        const [answer, reply] = await system.call("verify_mfa_factor", body, { bearer: system.bearer(by) });
        const codes = answer === "200" ? reply.body.recovery_codes : null;
        if (codes) system.recoveryCodes.set(name, codes);
        return answer === "200" && codes ? "200 with codes" : answer;
      },
      begin: (state) => ({ refused: needsFresh(state, by), status: state.factors[of]?.status }),
      finish: (state, { refused, status }) =>
        refused ?? verify(state, name, { of, by, isRight, at, wasPending: status === "pending" }),
      // A repeated call that runs at the same time completes the first, which the model does not split.
      exclusive: `verify ${of} in ${by}`,
    });
  };
export const verifiesFactor = fc
  .record({
    ...{ nth: back, nthSession: back, isRight: mostly(true), isOwn: mostly(true) },
    delta: fc.constantFrom(0, 0, -1, 1),
  })
  .map(verifyFactor);

interface FirstCode {
  of: string;
  by: string;
  isRight: boolean;
  at: number;
  /** When the call began. */
  wasPending: boolean;
}

function verify(state: State, name: string, { of, by, isRight, at, wasPending }: FirstCode): string {
  const factor = state.factors[of] as Factor;
  const { user = "" } = state.sessions[by] ?? {};
  const isThere = factor.status === "pending" || factor.status === "active";
  if (factor.user !== user || !isThere || factor.expiresAt <= state.now) return "factor_not_found";
  if (++factor.attempts > ATTEMPTS) return "factor_not_found";
  if (factor.status === "active" && factor.activator !== by) return "factor_not_found";
  const isAgain = factor.status === "active";
  // Another call with the code activated it.
  if (isAgain && wasPending) return isRight ? "factor_not_found" : "mfa_failed";
  if (!isRight || (isAgain && factor.type === "totp" && factor.lastStep !== at)) return "mfa_failed";
  if (isAgain) return "200";
  if (!isReachable(state, user, { factors: [factor] })) return "factor_repeats_sign_in";
  Object.assign(factor, { status: "active", wasActive: true, activator: by });
  if (factor.type === "totp") Object.assign(factor, { lastStep: at, lastBy: by });
  record(state, user, "mfa.factor_added");
  const own = userOf(state, user);
  const issues = own.codes === null || activeFactors(state, user).length === 1;
  if (issues) own.codes = { set: name, used: [], lastUsed: null };
  endSessions(state, user, { except: by });
  return issues ? "200 with codes" : "200";
}

/** Removes a factor, mostly one of the user. */
export const removeOwnFactor =
  (chosen: ChosenSession, nth: number, isOwn: boolean): Plan =>
  (before, system, name) => {
    const by = sessionOf(before, chosen);
    if (by === undefined) return null;
    const { user = "" } = before.sessions[by] ?? {};
    const [of] = newestOf(before.factors, nth, (one) => (one.user === user) === isOwn) ?? [];
    if (of === undefined) return null;
    return step({
      name,
      says: `removes factor ${of} in session ${by} (${name})`,
      async call() {
        const body = { factor_id: system.factors.get(of)?.id };
        return (await system.call("remove_mfa_factor", body, { bearer: system.bearer(by) }))[0];
      },
      begin: (state) => needsFactor(state, by),
      finish(state, refused) {
        if (refused) return refused;
        const { user = "" } = state.sessions[by] ?? {};
        const { status } = state.factors[of] as Factor;
        const others = activeFactors(state, user).flatMap(([name, one]) => (name === of ? [] : one));
        if (status === "active" && state.factors[of]?.user === user)
          if (!isReachable(state, user, { factors: others })) return "factor_repeats_sign_in";
        return removeFactor(state, of, { user, except: by });
      },
    });
  };
export const removesFactor = fc
  .tuple(chosenSession, back, mostly(true))
  .map((args) => removeOwnFactor(...args));

/** Removes a factor of a user. @returns the code of the response */
export function removeFactor(
  state: State,
  of: string,
  { user, except }: { user: string; except: string | null },
) {
  const factor = state.factors[of] as Factor;
  if (factor.user !== user || factor.status === "replaced") return "factor_not_found";
  const isFirst = factor.status === "active";
  if (isFirst) record(state, user, "mfa.factor_removed");
  factor.status = "removed";
  if (!factor.wasActive) return "200";
  const hasOthers = activeFactors(state, user).length > 0;
  if (!hasOthers) userOf(state, user).codes = null;
  // What waited beside the last factor ends with it.
  for (const one of isFirst && !hasOthers ? Object.values(state.factors) : [])
    if (one.user === user && one.status === "pending") one.status = "replaced";
  endSessions(state, user, { except });
  return "200";
}

/** Replaces the recovery codes of the user of a session. */
export const replacesRecoveryCodes = chosenSession.map(
  (chosen): Plan =>
    (before, system, name) => {
      const by = sessionOf(before, chosen);
      if (by === undefined) return null;
      return step({
        name,
        says: `replaces the recovery codes in session ${by}: ${name}`,
        async call() {
          const [code, reply] = await system.call(
            "regenerate_recovery_codes",
            {},
            { bearer: system.bearer(by) },
          );
          if (code === "200") system.recoveryCodes.set(name, reply.body.recovery_codes);
          return code;
        },
        begin: (state) => needsFactor(state, by),
        finish(state, refused) {
          if (refused) return refused;
          const { user = "" } = state.sessions[by] ?? {};
          const factors = activeFactors(state, user);
          if (factors.length === 0) return "mfa_not_enabled";
          userOf(state, user).codes = { set: name, used: [], lastUsed: null };
          record(state, user, "mfa.recovery_codes_regenerated");
          return "200";
        },
      });
    },
);
