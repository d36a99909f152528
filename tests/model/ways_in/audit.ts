import { moveEvents } from "#core/events/move_events.ts";
import { outboxes } from "#core/parts.ts";
import { hasWayIn } from "#tests/model/ways_in/oauth_steps.ts";
import { agrees, look } from "#tests/model/ways_in/observation.ts";
import { liveSession } from "#tests/model/ways_in/rules.ts";
import { accountsOf, activeFactors, type State, userOf } from "#tests/model/ways_in/state.ts";
import type { WaysInUnderTest } from "#tests/model/ways_in/system.ts";

/** Actions that the model counts. */
const ACTIONS = [
  "user.created",
  "user.signed_in",
  "user.disabled",
  "user.deleted",
  "password.set",
  "password.reset",
  "identifier.verified",
  "mfa.factor_added",
  "mfa.factor_removed",
  "mfa.recovery_code_used",
  "mfa.recovery_codes_regenerated",
  "oauth.linked",
  "oauth.unlinked",
];

/**
 * Checks the end of a history: every token, lists of sessions, factors and accounts, the audit log, and that nobody is left without a
 * way in.
 * @returns the states that agree
 * @throws Error if none does
 */
export async function auditHistory(system: WaysInUnderTest, states: readonly State[]): Promise<State[]> {
  const { gateway } = system.nest;
  await moveEvents({ ...gateway.core, outboxes: gateway.part(outboxes) }, Number.POSITIVE_INFINITY);
  const seen = new Map<string, Awaited<ReturnType<typeof look>>>();
  for (const name of system.tokens.keys()) seen.set(name, await look(system, name));
  const contradictions: (string | null)[] = [];
  for (const state of states)
    contradictions.push(agrees(system, state, seen) ?? (await check(system, state)));
  const agreeing = states.filter((_state, index) => contradictions[index] === null);
  if (agreeing.length === 0) throw new Error(contradictions.join("\nor "));
  return agreeing;
}

async function check(system: WaysInUnderTest, state: State): Promise<string | null> {
  for (const user of Object.keys(state.users)) {
    const contradiction = (await checkLists(system, state, user)) ?? (await checkRows(system, state, user));
    if (contradiction) return contradiction;
    if (userOf(state, user).status !== "deleted" && !hasWayIn(state, user)) return `${user} has no way in`;
  }
  return null;
}

/** What a live session of the user lists. */
async function checkLists(system: WaysInUnderTest, state: State, user: string): Promise<string | null> {
  const live = Object.keys(state.sessions).filter((name) => liveSession(state, name)?.user === user);
  const [by] = live;
  if (by === undefined) return null;
  const as = { bearer: system.bearer(by) };
  const [, { body: sessions }] = await system.call("list_sessions", {}, as);
  const [, { body: factors }] = await system.call("list_mfa_factors", {}, as);
  const [, { body: identities }] = await system.call("list_oauth_identities", {}, as);
  const hasFactor = activeFactors(state, user);
  const activators = hasFactor.map(([, { activator }]) => activator);
  const unproved = live.find(
    (name) =>
      hasFactor.length > 0 && !state.sessions[name]?.amr.includes("mfa") && !activators.includes(name),
  );
  if (unproved !== undefined) return `session ${unproved} of ${user} has no second factor`;
  const { codes } = userOf(state, user);
  const listed = {
    sessions: (sessions.items as { amr: string[] }[]).map(({ amr }) => amr.toSorted().join(" ")).sort(),
    factors: idsOf(
      (factors.items as { id: string; status: string }[]).filter(({ status }) => status === "active"),
    ),
    codes: factors.recovery_codes_left,
    accounts: identities.items.length,
  };
  const expected = {
    sessions: live.map((name) => state.sessions[name]?.amr.toSorted().join(" ")).sort(),
    factors: hasFactor.map(([name]) => system.factors.get(name)?.id).sort(),
    codes: codes === null ? 0 : 10 - codes.used.length,
    accounts: accountsOf(state, user).length,
  };
  const [is, must] = [JSON.stringify(listed), JSON.stringify(expected)];
  return is === must ? null : `session ${by} of ${user} lists ${is}, but must list ${must}`;
}

const idsOf = (items: readonly { id: string }[]) => items.map(({ id }) => id).sort();

async function checkRows(system: WaysInUnderTest, state: State, user: string): Promise<string | null> {
  const id = state.ids[user];
  if (id === undefined) return null;
  const rows = await system.nest.collection("audit_logs").find({ userId: id, outcome: "success" }).toArray();
  const counts: Record<string, number> = {};
  for (const { action } of rows) counts[String(action)] = (counts[String(action)] ?? 0) + 1;
  const { audit, overtakenSignIns } = userOf(state, user);
  const wrong = ACTIONS.find((action) => {
    const more = (counts[action] ?? 0) - (audit[action] ?? 0);
    return more < 0 || more > (action === "user.signed_in" ? overtakenSignIns : 0);
  });
  if (wrong === undefined) return null;
  return `the audit log of ${user} has ${counts[wrong] ?? 0} rows ${wrong}, but must have ${audit[wrong] ?? 0}`;
}
