import fc from "fast-check";
import { close, end, FRESH, signIn } from "#tests/model/addresses/state.ts";
import { back, type Plan, person, sessionOf, step } from "#tests/model/addresses/step.ts";
import { newest } from "#tests/model/operation.ts";

/** Signs in with the newest or an older password of the person. */
export const signsIn = fc.tuple(person, back).map(
  ([by, nth]): Plan =>
    (_state, system, name) => {
      const password = newest(system.passwords[by], nth);
      if (password === undefined) return null;
      return step({
        name,
        says: `${by} signs in with '${password}': session ${name}`,
        call: () => system.authenticate(name, by, { grant_type: "password", ...system.named, password }),
        finish(state) {
          if (state.user?.password !== password) return "invalid_credentials";
          signIn(state, name, by, false);
          return "200";
        },
      });
    },
);

/** Sets a password within a session, which ends the other sessions. */
export const setsPassword = fc.tuple(person, back, back).map(
  ([by, nth, nthPassword]): Plan =>
    (before, system, name) => {
      const of = sessionOf(before, by, nth);
      if (of === undefined) return null;
      const current = newest(system.passwords[by], nthPassword);
      const password = system.choosePassword(by);
      return step({
        name,
        says: `${by} sets '${password}' in session ${of} (${name}), knowing '${current}'`,
        async call() {
          const body = { password, ...(current !== undefined && { current_password: current }) };
          const [code] = await system.call("set_password", by, body, system.tokens.get(of)?.access_token);
          return code;
        },
        begin(state) {
          const session = state.sessions[of];
          const replaced = state.user?.password ?? null;
          if (!session?.isLive) return { refused: "unauthorized", replaced };
          if (state.now - session.signedInAt > FRESH)
            return { refused: "reauthentication_required", replaced };
          const isRight = replaced === null || replaced === current;
          return { refused: isRight ? null : "invalid_credentials", replaced };
        },
        finish(state, { refused, replaced }) {
          const session = state.sessions[of];
          if (refused !== null || !state.user) return refused ?? "unauthorized";
          if (state.user.password !== replaced) return "invalid_credentials";
          if (replaced === null && !session?.isLive) return "unauthorized";
          state.user.password = password;
          end(state, (other) => other !== session);
          close(state, ({ purpose }) => purpose === "reset_password");
          return "200";
        },
      });
    },
);

export const refreshes = fc.tuple(person, back).map(
  ([by, nth]): Plan =>
    (before, system, name) => {
      const of = sessionOf(before, by, nth);
      if (of === undefined) return null;
      return step({
        name,
        says: `${by} refreshes session ${of} (${name})`,
        async call() {
          const { refresh_token } = system.tokens.get(of) ?? {};
          const client = system.clientOf(of);
          const code = await system.authenticate(
            of,
            by,
            { grant_type: "refresh_token", refresh_token },
            client,
          );
          return code === "200" ? code : "refused";
        },
        finish: (state) => (state.sessions[of]?.isLive ? "200" : "refused"),
      });
    },
);

export const signsOut = fc.tuple(person, back).map(
  ([by, nth]): Plan =>
    (before, system, name) => {
      const of = sessionOf(before, by, nth);
      if (of === undefined) return null;
      return step({
        name,
        says: `${by} signs out of session ${of} (${name})`,
        async call() {
          const { refresh_token } = system.tokens.get(of) ?? {};
          const [code] = await system.call("revoke_token", by, {
            client_id: system.clientOf(of),
            refresh_token,
          });
          return code;
        },
        finish(state) {
          end(state, (session) => session === state.sessions[of]);
          return "200";
        },
      });
    },
);
