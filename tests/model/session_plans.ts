import fc from "fast-check";
import { newest, operation, type Plan } from "#tests/model/operation.ts";
import { decideRefresh, endSession, finishRefresh, invalidReason, see } from "#tests/model/rules.ts";
import { machine } from "#tests/model/sign_in_plans.ts";
import { type AccessToken, APPS, type Machine, type Session, type State } from "#tests/model/state.ts";
import type { SystemUnderTest } from "#tests/model/system.ts";
import { V2 } from "#tests/support/nest.ts";

const which = fc.nat(5);
/** The newest token of the device, or an older one, as an attacker or another window may have. */
const token = fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.nat(3) });

/** Refreshes with the newest or an older token, from the device's own or another network. The response may be lost. */
export const refreshes: fc.Arbitrary<Plan> = fc
  .tuple(which, token, fc.option(machine, { freq: 4 }), fc.constantFrom(false, false, false, true))
  .map(([back, older, elsewhere, isLost]) => (before, system, name) => {
    const of = newest(Object.keys(before.sessions), back);
    return of === undefined ? null : refreshesHeld(of, { older, elsewhere, isLost })(before, system, name);
  });

interface Circumstances {
  older?: number | null;
  elsewhere?: Machine | null;
  isLost?: boolean;
}

export function refreshesHeld(
  of: string,
  { older = null, elsewhere = null, isLost = false }: Circumstances = {},
): Plan {
  return (before, known, name) => {
    const session = before.sessions[of];
    if (session === undefined) return null;
    const generation = older === null ? session.held : toldGeneration(known, of, session, older);
    const from = elsewhere ?? session.machine;
    const isForeign = APPS[from] !== APPS[session.machine];
    return operation({
      says: `${from} refreshes session ${of} with token ${generation}${isLost ? ", the response is lost" : ""}: access token ${name}`,
      async call(system) {
        const { clientId, ip } = system.app(from);
        const presented = system.get(`session ${of}, token ${generation}`);
        return system.answer(await system.nest.refresh(presented, { client_id: clientId }, { ip }));
      },
      begin: (state) =>
        isForeign
          ? { refused: "incorrect_client" }
          : decideRefresh(state, state.sessions[of] as Session, generation),
      finish(state, refresh) {
        const code = finishRefresh(state, name, of, refresh);
        if (code !== "200" || !("generation" in refresh)) return { code };
        if (isLost) delete state.accessTokens[name];
        else (state.sessions[of] as Session).held = refresh.generation;
        return {
          code,
          names: {
            user_id: `user ${session.person}`,
            session_id: `session ${of}`,
            refresh_token: `session ${of}, token ${refresh.generation}`,
            access_token: `access token ${name}`,
          },
        };
      },
    });
  };
}

/** Calls a method with an access token. Only whether it is accepted matters. */
export const calls: fc.Arbitrary<Plan> = which.map((back) => (before, system, name) => {
  const of = newest(Object.keys(before.accessTokens), back);
  return of === undefined ? null : callsWith(of)(before, system, name);
});

export function callsWith(of: string): Plan {
  return (before) => {
    const bearer = before.accessTokens[of];
    if (bearer === undefined) return null;
    return operation({
      says: `${ownerOf(before, bearer).machine} calls with access token ${of}`,
      async call(system) {
        const { options, user_id } = asBearer(system, before, of);
        return system.answer(await system.nest.call(`${V2}get_user`, { user_id }, options));
      },
      begin: (state) => letIn(state, of),
      finish: (_state, refused) => ({ code: refused ?? "200" }),
    });
  };
}

/** Signs out. Any token of the session ends it. A wrong secret ends nothing and gets the same response. */
export const signsOut: fc.Arbitrary<Plan> = fc
  .tuple(which, fc.nat(3), fc.constantFrom(true, true, false))
  .map(
    ([back, older, isRight]): Plan =>
      (before, known) => {
        const [of, session] = newest(Object.entries(before.sessions), back) ?? [];
        if (of === undefined || session === undefined) return null;
        const generation = toldGeneration(known, of, session, older);
        return operation({
          says: `token ${generation} of session ${of} is revoked${isRight ? "" : " with a wrong secret"}`,
          async call(system) {
            const presented = system.get(`session ${of}, token ${generation}`);
            const last = presented.endsWith("0") ? "1" : "0";
            const refresh_token = isRight ? presented : `${presented.slice(0, -1)}${last}`;
            const { clientId } = system.app(session.machine);
            return system.answer(
              await system.nest.call(`${V2}revoke_token`, { client_id: clientId, refresh_token }),
            );
          },
          begin(state) {
            if (isRight) endSession(state, state.sessions[of] as Session);
          },
          finish: () => ({ code: "204" }),
        });
      },
  );

/** Revokes a session from another session, which works only for sessions of the same user. */
export const revokes: fc.Arbitrary<Plan> = fc.tuple(which, which).map(
  ([back, other]): Plan =>
    (before) => {
      const [of, bearer] = newest(Object.entries(before.accessTokens), back) ?? [];
      const target = newest(Object.keys(before.sessions), other);
      if (of === undefined || bearer === undefined || target === undefined) return null;
      const isOwn = before.sessions[target]?.person === ownerOf(before, bearer).person;
      return operation({
        says: `${ownerOf(before, bearer).machine} ends session ${target} with access token ${of}`,
        async call(system) {
          const { options, user_id } = asBearer(system, before, of);
          const body = { user_id, session_id: system.get(`session ${target}`) };
          return system.answer(await system.nest.call(`${V2}revoke_session`, body, options));
        },
        begin: (state) => letIn(state, of),
        finish(state, refused) {
          if (refused !== null) return { code: refused };
          if (isOwn) endSession(state, state.sessions[target] as Session);
          return { code: isOwn ? "204" : "not_found" };
        },
      });
    },
);

/** Lists the sessions of a person. */
export const listsSessions: fc.Arbitrary<Plan> = which.map((back) => (before, system, name) => {
  const of = newest(Object.keys(before.accessTokens), back);
  return of === undefined ? null : listsSessionsOf(of)(before, system, name);
});

/** @param of name of the access token */
export function listsSessionsOf(of: string): Plan {
  return (before) => {
    const bearer = before.accessTokens[of];
    if (bearer === undefined) return null;
    const { person, machine: on } = ownerOf(before, bearer);
    return operation({
      says: `${on} lists ${person}'s sessions with access token ${of}`,
      async call(system) {
        const { options, user_id } = asBearer(system, before, of);
        const reply = await system.nest.call(`${V2}list_sessions`, { user_id }, options);
        const names = new Map([...system.names].map(([name, value]) => [value, name]));
        const answer = system.answer(reply);
        if (reply.status !== 200) return answer;
        const listed = reply.body.map(({ id }: { id: string }) => names.get(id) ?? id).sort();
        return { ...answer, code: `200 ${listed.join()}` };
      },
      begin: (state) => letIn(state, of),
      finish(state, refused) {
        if (refused !== null) return { code: refused };
        const standing = Object.entries(state.sessions).filter(
          ([, session]) => session.person === person && session.isStanding && session.expiresAt > state.now,
        );
        return {
          code: `200 ${standing
            .map(([name]) => `session ${name}`)
            .sort()
            .join()}`,
        };
      },
    });
  };
}

/** A token of the session that a response returned. The successor of a refused refresh was never returned. */
function toldGeneration(system: SystemUnderTest, of: string, { tokens }: Session, choice: number): number {
  const returned = tokens
    .map((_token, index) => index + 1)
    .filter((generation) => system.names.has(`session ${of}, token ${generation}`));
  return returned[choice % returned.length] as number;
}

/** @returns the error code; null: the call is accepted, which acknowledges the token */
export function letIn(state: State, name: string): string | null {
  const bearer = state.accessTokens[name] as AccessToken;
  const reason = invalidReason(state, bearer);
  if (reason !== null) return `unauthorized ${reason}`;
  see(state, bearer);
  return null;
}

export const ownerOf = (state: State, { session }: AccessToken) => state.sessions[session] as Session;

export function asBearer(system: SystemUnderTest, state: State, of: string) {
  const { person, machine: on } = ownerOf(state, state.accessTokens[of] as AccessToken);
  const options = { bearer: system.get(`access token ${of}`), ip: system.app(on).ip };
  return { user_id: system.get(`user ${person}`), options };
}
