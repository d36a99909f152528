import fc from "fast-check";
import { newest } from "#tests/model/operation.ts";
import {
  endOne,
  endSessions,
  liveSession,
  needsFresh,
  pass,
  revoke,
  signIn,
  signInPassword,
} from "#tests/model/ways_in/rules.ts";
import {
  type Address,
  addressesOf,
  mayAdd,
  newUser,
  record,
  takeAddress,
  userOf,
} from "#tests/model/ways_in/state.ts";
import {
  address,
  back,
  type ChosenSession,
  chosenSession,
  mostly,
  newestOf,
  type Plan,
  sessionOf,
  step,
} from "#tests/model/ways_in/step.ts";
import { CLIENTS } from "#tests/model/ways_in/system.ts";

/** Registers in the mode `immediate`. */
export const registersNow = address.map(
  (to): Plan =>
    (_state, system, name) => {
      const password = system.choosePassword();
      const { simple: client } = CLIENTS;
      return step({
        name,
        says: `somebody registers ${to} at once: session ${name} and '${password}'`,
        async call() {
          const body = { client_id: client, ...system.named(to), password };
          const [code, reply] = await system.call("register_user", body);
          if (code === "200") system.keepTokens(name, reply.body);
          return code;
        },
        begin: (state) => state.now,
        finish(state, signedInAt) {
          if (state.addresses[to]) return "identifier_taken";
          const user = `u${name}`;
          newUser(state, user);
          takeAddress(state, to, { user, isProved: false });
          userOf(state, user).password = { text: password, isProvisional: true, resetBy: null };
          record(state, user, "user.created");
          record(state, user, "password.set");
          signIn(state, name, { user, client, amr: ["pwd"], isProving: false, signedInAt });
          return "200";
        },
      });
    },
);

/** Signs in with a password that somebody chose: mostly with the one of the user. */
export const signInByPassword =
  (to: Address, nth: number, isRight: boolean): Plan =>
  (before, system, name) => {
    const right = signInPassword(before, to)?.password?.text;
    const password = (isRight ? right : undefined) ?? newest(system.passwords, nth);
    if (password === undefined) return null;
    return step({
      name,
      says: `${to} signs in with '${password}': session ${name}`,
      call: () => system.authenticate(name, { grant_type: "password", ...system.named(to), password }),
      begin(state) {
        const found = signInPassword(state, to);
        return { signedInAt: state.now, wasRight: found?.password?.text === password ? found.user : null };
      },
      finish(state, { signedInAt, wasRight }) {
        const found = signInPassword(state, to);
        if (found?.password?.text !== password) {
          if (wasRight !== null) userOf(state, wasRight).overtakenSignIns++;
          return "invalid_credentials";
        }
        const { user, password: own } = found;
        const facts = { user, client: CLIENTS.native, amr: ["pwd"], address: to, isProving: false };
        return pass(state, name, { ...facts, resetBy: own?.resetBy ?? null, signedInAt });
      },
    });
  };
export const signsInByPassword = fc
  .tuple(address, back, mostly(true))
  .map((args) => signInByPassword(...args));

/** Sets a password within a session, which ends the other sessions. */
export const setPassword =
  (chosen: ChosenSession, nth: number, isRight: boolean): Plan =>
  (before, system, name) => {
    const of = sessionOf(before, chosen);
    if (of === undefined) return null;
    const right = before.users[before.sessions[of]?.user ?? ""]?.password?.text;
    const current = isRight ? right : newest(system.passwords, nth);
    const password = system.choosePassword();
    return step({
      name,
      says: `sets '${password}' in session ${of} (${name}), knowing '${current}'`,
      async call() {
        const body = { password, ...(current !== undefined && { current_password: current }) };
        return (await system.call("set_password", body, { bearer: system.bearer(of) }))[0];
      },
      begin(state) {
        const { user = "" } = state.sessions[of] ?? {};
        const replaced = state.users[user]?.password?.text ?? null;
        const isRight = replaced === null || replaced === current;
        return { refused: needsFresh(state, of) ?? (isRight ? null : "invalid_credentials"), replaced };
      },
      finish(state, { refused, replaced }) {
        if (refused !== null) return refused;
        const { user = "" } = state.sessions[of] ?? {};
        const own = userOf(state, user);
        if ((own.password?.text ?? null) !== replaced) return "invalid_credentials";
        if (replaced === null && !liveSession(state, of)) {
          // It is taken back, and the audit log says that it was set.
          record(state, user, "password.set");
          return "unauthorized";
        }
        own.password = { text: password, isProvisional: !mayAdd(state, user), resetBy: null };
        record(state, user, "password.set");
        endSessions(state, user, { except: of });
        const addresses = addressesOf(state, user);
        revoke(state, (one) => one.purpose === "reset" && addresses.includes(one.address));
        return "200";
      },
    });
  };
export const setsPassword = fc.tuple(chosenSession, back, mostly(true)).map((args) => setPassword(...args));

export const refreshes = chosenSession.map(
  (chosen): Plan =>
    (before, system, name) => {
      const of = sessionOf(before, chosen);
      if (of === undefined) return null;
      return step({
        name,
        says: `refreshes session ${of} (${name})`,
        async call() {
          const refresh_token = system.tokens.get(of)?.refresh;
          const grant = { grant_type: "refresh_token", refresh_token };
          const code = await system.authenticate(of, grant, system.clientOf(of));
          return code === "200" ? code : "refused";
        },
        finish: (state) => (liveSession(state, of) ? "200" : "refused"),
        refreshes: of,
      });
    },
);

export const signsOut = chosenSession.map(
  (chosen): Plan =>
    (before, system, name) => {
      const of = sessionOf(before, chosen);
      if (of === undefined) return null;
      return step({
        name,
        says: `signs out of session ${of} (${name})`,
        async call() {
          const refresh_token = system.tokens.get(of)?.refresh;
          return (await system.call("revoke_token", { client_id: system.clientOf(of), refresh_token }))[0];
        },
        finish(state) {
          const session = state.sessions[of];
          if (session) endOne(session);
          return "200";
        },
      });
    },
);

/** Ends a session, mostly one of the same user, within another. */
export const revokesSession = fc.tuple(chosenSession, back, mostly(true)).map(
  ([chosen, nth, isOwn]): Plan =>
    (before, system, name) => {
      const by = sessionOf(before, chosen);
      if (by === undefined) return null;
      const { user } = before.sessions[by] ?? {};
      const [of] = newestOf(before.sessions, nth, (one) => (one.user === user) === isOwn) ?? [];
      if (of === undefined) return null;
      return step({
        name,
        says: `revokes session ${of} in session ${by} (${name})`,
        async call() {
          const { bearer } = { bearer: system.bearer(by) };
          const session_id = sessionIdOf(system.bearer(of));
          return (await system.call("revoke_session", { session_id }, { bearer }))[0];
        },
        begin: (state) =>
          of === by ? (liveSession(state, by) ? null : "unauthorized") : needsFresh(state, by),
        finish(state, refused) {
          if (refused) return refused;
          const ended = state.sessions[of];
          if (!ended || ended.user !== state.sessions[by]?.user) return "session_not_found";
          endOne(ended);
          return "200";
        },
      });
    },
);

/** Ends every session of the user, or every other one. */
export const revokesAll = fc.tuple(chosenSession, fc.boolean()).map(
  ([chosen, exceptCurrent]): Plan =>
    (before, system, name) => {
      const by = sessionOf(before, chosen);
      if (by === undefined) return null;
      return step({
        name,
        says: `revokes all ${exceptCurrent ? "other " : ""}sessions in session ${by} (${name})`,
        async call() {
          const body = { except_current: exceptCurrent };
          return (await system.call("revoke_all_sessions", body, { bearer: system.bearer(by) }))[0];
        },
        begin: (state) => needsFresh(state, by),
        finish(state, refused) {
          if (refused) return refused;
          endSessions(state, state.sessions[by]?.user ?? "", { except: exceptCurrent ? by : null });
          return "200";
        },
      });
    },
);

/** The claim `sid` of an access token. */
function sessionIdOf(accessToken: string): string {
  const [, claims = ""] = accessToken.split(".");
  return JSON.parse(String(Buffer.from(claims, "base64url"))).sid;
}
