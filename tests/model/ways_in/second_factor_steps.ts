import fc from "fast-check";
import { newest } from "#tests/model/operation.ts";
import { appCodeAt, stepAt } from "#tests/model/ways_in/factor_steps.ts";
import { isOffered, isOpen, liveSession, refusalToResume, signIn } from "#tests/model/ways_in/rules.ts";
import {
  ATTEMPTS,
  activeFactors,
  addressesOf,
  CALL,
  type Challenge,
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

/** Opens a challenge that makes a session fresh. */
export const stepUp =
  (chosen: ChosenSession): Plan =>
  (before, system, name) => {
    const by = sessionOf(before, chosen);
    if (by === undefined) return null;
    return step({
      name,
      says: `opens challenge ${name} in session ${by}`,
      async call() {
        const body = { client_id: system.clientOf(by) };
        const [code, reply] = await system.call("create_mfa_challenge", body, { bearer: system.bearer(by) });
        if (code === "200") system.mfaTokens.set(name, reply.body.mfa_token);
        return code;
      },
      begin: (state) => liveSession(state, by),
      finish(state, session) {
        if (!session) return "unauthorized";
        const { user, client, amr, isProving } = session;
        if (activeFactors(state, user).length === 0) return "mfa_not_enabled";
        state.challenges[name] = {
          ...{ purpose: "step_up", user, client, amr, isProving, address: null, resetBy: null, link: null },
          ...{ createdAt: state.now, attempts: 0, sent: null, usedAt: null, startedAt: 0, session: by },
        };
        return "200";
      },
    });
  };
export const stepsUp = chosenSession.map(stepUp);

/** A factor of the user of a challenge mostly, or of anybody. */
const factorOf = (state: State, user: string, { nth, isOwn }: { nth: number; isOwn: boolean }) =>
  newestOf(state.factors, nth, (one) => !isOwn || (one.user === user && one.status === "active"));

/** Requests a code for a factor of a challenge. */
export const askForFactorCode =
  (nth: number, nthFactor: number, isOwn: boolean): Plan =>
  (before, system, name) => {
    const [of, challenge] = newestOf(before.challenges, nth, () => true) ?? [];
    if (of === undefined || !challenge) return null;
    const [id, factor] = factorOf(before, challenge.user, { nth: nthFactor, isOwn }) ?? [];
    if (id === undefined || !factor) return null;
    return step({
      name,
      says: `requests code ${name} of factor ${id} for challenge ${of}`,
      async call() {
        const mfa_token = system.mfaTokens.get(of);
        const body = { client_id: challenge.client, mfa_token, factor_id: system.factors.get(id)?.id };
        const [code] = await system.call("send_mfa_code", body);
        if (code === "200") system.lastSent.set(of, name);
        return code;
      },
      begin: (state) => isOpen(state, of),
      finish(state, wasOpen) {
        const now = state.challenges[of];
        const own = state.factors[id];
        if (!now || !wasOpen) return "mfa_token_expired";
        const isRight = own?.user === now.user && own.status === "active" && isOffered(own, now);
        if (!isRight || own.to === null) return "factor_not_found";
        const hasAddress = addressesOf(state, now.user, true).includes(own.to);
        if (own.type === "email" && !hasAddress) return "factor_not_found";
        if (now.usedAt !== null || now.attempts >= ATTEMPTS) return "mfa_token_expired";
        now.sent = { factor: id, code: name };
        return "200";
      },
      ...(factor.to && { sends: { to: factor.to, key: name } }),
    });
  };
export const asksForFactorCode = fc.tuple(back, back, mostly(true)).map((args) => askForFactorCode(...args));

/** What is presented for a challenge. `code`: the step that requested it, or the time step of an app. */
type Presented =
  | { kind: "factor"; factor: string; code: string | number; isRight: boolean }
  | { kind: "recovery"; set: string; index: number };

export interface Choice {
  nth: number;
  isOwn: boolean;
  isRight: boolean;
  delta: number;
  index: number;
}

/** Presents a code of a factor: right or wrong, of the user or of another, of this challenge or an earlier one. */
const presentedFactor = (
  state: State,
  system: WaysInUnderTest,
  of: string,
  choice: Choice,
): Presented | null => {
  const { user } = state.challenges[of] as Challenge;
  const which = ({ user: owner, status }: { user: string; status: string }) =>
    !choice.isOwn || (owner === user && status === "active");
  const [factor, { type }] = newestOf(state.factors, choice.nth, which) ?? [undefined, { type: null }];
  if (factor === undefined) return null;
  const { isRight } = choice;
  if (type === "totp") return { kind: "factor", factor, code: stepAt(state.now) + choice.delta, isRight };
  return { kind: "factor", factor, code: system.lastSent.get(of) ?? "none", isRight };
};

const choice = fc.record({
  nth: back,
  isOwn: mostly(true),
  isRight: mostly(true),
  delta: fc.constantFrom(0, 0, 1, 1, -1, 2),
  index: fc.nat(3),
});

/** Presents a second factor for a challenge, mostly one that waits. */
export const present =
  (nth: number, mayBeUsed: boolean, chosen: Choice, kind: string): Plan =>
  (before, system, name) => {
    const isFitting = ({ usedAt }: Challenge) => mayBeUsed || usedAt === null;
    const [of, challenge] = newestOf(before.challenges, nth, isFitting) ?? [];
    if (of === undefined || !challenge) return null;
    const set = newest([...system.recoveryCodes.keys()], chosen.isOwn ? 0 : chosen.nth);
    const own = before.users[challenge.user]?.codes?.set ?? set;
    const shown: Presented | null =
      kind === "recovery"
        ? set === undefined || own === undefined
          ? null
          : { kind, set: chosen.isOwn ? own : set, index: chosen.index }
        : presentedFactor(before, system, of, chosen);
    if (!shown) return null;
    const session = challenge.purpose === "step_up" ? (challenge.session ?? name) : name;
    return step({
      name,
      says: `presents ${inWords(shown)} for challenge ${of}: session ${session} (${name})`,
      call: () => {
        const grant = { grant_type: "mfa", mfa_token: system.mfaTokens.get(of), ...toWire(system, shown) };
        return system.authenticate(session, grant, challenge.client);
      },
      begin: (state) => ({ at: state.now, wasOpen: isOpen(state, of) }),
      finish: (state, begun) => answer(state, name, { ...begun, of, shown }),
    });
  };
export const presents = fc
  .tuple(back, mostly(false), choice, fc.constantFrom("factor", "factor", "factor", "recovery"))
  .map((args) => present(...args));

const inWords = (shown: Presented) =>
  shown.kind === "recovery"
    ? `recovery code ${shown.index} of ${shown.set}`
    : `${shown.isRight ? "" : "a wrong "}code ${shown.code} of factor ${shown.factor}`;

function toWire(system: WaysInUnderTest, shown: Presented) {
  if (shown.kind === "recovery")
    return { recovery_code: system.recoveryCodes.get(shown.set)?.[shown.index] ?? "none" };
  const { factor, code, isRight } = shown;
  const factor_id = system.factors.get(factor)?.id;
  if (typeof code === "string") return { factor_id, code: system.codeOf(code, isRight) };
  return { factor_id, code: appCodeAt(system, factor, isRight ? code : code + 100) };
}

interface Answered {
  of: string;
  /** When the call began, and whether the challenge was open then. */
  at: number;
  wasOpen: boolean;
  shown: Presented;
}

function answer(state: State, name: string, { of, at, wasOpen, shown }: Answered): string {
  const challenge = state.challenges[of] as Challenge;
  if (!wasOpen || ++challenge.attempts > ATTEMPTS) return "mfa_token_expired";
  const method = use(state, of, shown);
  if (method === null) return "mfa_failed";
  const amr = [...new Set([...challenge.amr, method, "mfa"])];
  const { user, address, session } = challenge;
  const isStepUp = challenge.purpose === "step_up";
  // The address that was the first factor was removed since.
  if (!isStepUp && address !== null && state.addresses[address]?.user !== user) return "mfa_token_expired";
  if (isStepUp && !liveSession(state, session ?? "")) return "mfa_token_expired";
  if (challenge.usedAt !== null) {
    if (at - challenge.startedAt < CALL) return "mfa_token_expired";
    // The token of a step-up was used, because each token is.
    if (isStepUp || refusalToResume(state, challenge)) return "mfa_token_expired";
  }
  challenge.usedAt ??= at;
  challenge.startedAt = at;
  const { client, isProving, usedAt: signedInAt } = challenge;
  if (isStepUp) {
    const fresh = state.sessions[session ?? ""];
    if (fresh) Object.assign(fresh, { amr, signedInAt: Math.max(fresh.signedInAt, signedInAt) });
    return "200";
  }
  if (session === null) {
    signIn(state, name, { user, client, amr, isProving, signedInAt });
    challenge.session = name;
  }
  return "200";
}

/** Uses a factor up. @returns how it proves the person (RFC 8176); null if it does not */
function use(state: State, of: string, shown: Presented): string | null {
  const challenge = state.challenges[of] as Challenge;
  if (shown.kind === "recovery") return useRecoveryCode(state, of, shown);
  const [, factor] = activeFactors(state, challenge.user).find(([name]) => name === shown.factor) ?? [];
  if (!factor || !isOffered(factor, challenge) || !shown.isRight) return null;
  const { code } = shown;
  if (typeof code === "string") {
    const isRight = challenge.sent?.factor === shown.factor && challenge.sent.code === code;
    return isRight ? (factor.type === "sms" ? "sms" : "otp") : null;
  }
  if (factor.type !== "totp") return null;
  const isAgain = factor.lastStep === code && factor.lastBy === of;
  const isNew = Math.abs(code - stepAt(state.now)) <= 1 && code > (factor.lastStep ?? 0);
  if (!isAgain && !isNew) return null;
  Object.assign(factor, { lastStep: code, lastBy: of });
  return "otp";
}

function useRecoveryCode(
  state: State,
  of: string,
  { set, index }: { set: string; index: number },
): string | null {
  const { user } = state.challenges[of] as Challenge;
  const { codes } = userOf(state, user);
  if (codes?.set !== set) return null;
  const use = `${index} by ${of}`;
  if (codes.lastUsed === use) return "otp";
  if (codes.used.includes(index)) return null;
  codes.used.push(index);
  codes.lastUsed = use;
  record(state, user, "mfa.recovery_code_used");
  return "otp";
}
