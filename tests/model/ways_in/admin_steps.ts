import fc from "fast-check";
import { removeFactor } from "#tests/model/ways_in/factor_steps.ts";
import { endOne, endSessions, needsFresh, revokeAllOf } from "#tests/model/ways_in/rules.ts";
import { accountsOf, addressesOf, linkOf, record, type State, userOf } from "#tests/model/ways_in/state.ts";
import { back, chosenSession, newestOf, type Plan, sessionOf, step } from "#tests/model/ways_in/step.ts";

const anySession = back;

/** An administrator disables the user of a session, or lets them sign in again. */
export const changesStatus = fc.tuple(anySession, fc.constantFrom("disabled", "active", "active")).map(
  ([nth, status]): Plan =>
    (before, system, name) => {
      const [of] = newestOf(before.sessions, nth, ({ user }) => before.users[user]?.status !== status) ?? [];
      if (of === undefined) return null;
      return step({
        name,
        says: `an administrator sets the user of session ${of} to ${status} (${name})`,
        async call() {
          const body = { user_id: system.tokens.get(of)?.userId, status };
          return (await system.call("update_user", body, { internal: true }))[0];
        },
        finish(state) {
          const { user = "" } = state.sessions[of] ?? {};
          const now = userOf(state, user);
          if (now.status === "deleted") return "user_not_found";
          if (status === "disabled") {
            if (now.status === "active") record(state, user, "user.disabled");
            now.status = "disabled";
            endSessions(state, user, { except: null });
          } else if (now.status === "disabled") {
            now.status = "active";
            now.ended = { at: state.now, except: null };
          }
          return "200";
        },
      });
    },
);

/** An administrator removes a factor of a user who has lost the device. */
export const adminRemovesFactor = back.map(
  (nth): Plan =>
    (before, system, name) => {
      const [of, factor] = newestOf(before.factors, nth, ({ status }) => status === "active") ?? [];
      if (of === undefined || !factor) return null;
      return step({
        name,
        says: `an administrator removes factor ${of} (${name})`,
        async call() {
          const user_id = system.tokens.get(factor.creator)?.userId;
          const body = { user_id, factor_id: system.factors.get(of)?.id };
          return (await system.call("remove_mfa_factor", body, { internal: true }))[0];
        },
        finish: (state) => removeFactor(state, of, { user: factor.user, except: null }),
      });
    },
);

/** Users delete themselves, or an administrator does. */
export const deletes = fc.tuple(chosenSession, fc.boolean()).map(
  ([chosen, isOwn]): Plan =>
    (before, system, name) => {
      const of = sessionOf(before, chosen);
      if (of === undefined) return null;
      return step({
        name,
        says: `${isOwn ? "a user deletes themselves" : "an administrator deletes the user"} of session ${of} (${name})`,
        async call() {
          const user_id = system.tokens.get(of)?.userId;
          const as = isOwn ? { bearer: system.bearer(of) } : { internal: true };
          return (await system.call("delete_user", isOwn ? {} : { user_id }, as))[0];
        },
        begin: (state) => (isOwn ? needsFresh(state, of) : null),
        finish(state, refused) {
          if (refused) return refused;
          remove(state, state.sessions[of]?.user ?? "");
          return "200";
        },
      });
    },
);

function remove(state: State, user: string): void {
  const own = userOf(state, user);
  if (own.status === "deleted") return;
  own.status = "deleted";
  record(state, user, "user.deleted");
  for (const session of Object.values(state.sessions)) if (session.user === user) endOne(session);
  revokeAllOf(state, user, null);
  for (const address of addressesOf(state, user)) delete state.addresses[address];
  for (const account of accountsOf(state, user)) {
    const link = linkOf(state, account);
    if (link) link.isRemoved = true;
    record(state, user, "oauth.unlinked");
  }
}
