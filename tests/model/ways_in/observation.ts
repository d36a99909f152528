import { isOffered, liveSession } from "#tests/model/ways_in/rules.ts";
import { activeFactors, addressesOf, type State, userOf } from "#tests/model/ways_in/state.ts";
import type { WaysInUnderTest } from "#tests/model/ways_in/system.ts";

/** What a session sees of its user; null if its token is refused. */
interface Seen {
  id: string;
  facts: string;
}

interface ShownIdentifier {
  identifier_value: string;
  verified_at: string | null;
  removed_at: string | null;
  is_pending: boolean;
}

/** Presents the access token of every session that is live in some state. */
export async function observe(
  system: WaysInUnderTest,
  states: readonly State[],
): Promise<Map<string, Seen | null>> {
  const seen = new Map<string, Seen | null>();
  for (const name of system.tokens.keys())
    if (states.some((state) => liveSession(state, name)) || !system.ended.has(name)) {
      const found = await look(system, name);
      if (!found) system.ended.add(name);
      seen.set(name, found);
    }
  return seen;
}

/** Presents the access token of a session. */
export async function look(system: WaysInUnderTest, name: string): Promise<Seen | null> {
  const [code, { body }] = await system.call("get_user", {}, { bearer: system.bearer(name) });
  if (code === "unauthorized") return null;
  if (code !== "200") throw new Error(`get_user in session ${name} answered ${code}`);
  const addresses = (body.identifiers as ShownIdentifier[])
    .filter(({ removed_at, is_pending }) => removed_at === null && !is_pending)
    .map(({ identifier_value, verified_at }) => `${identifier_value} ${verified_at !== null}`);
  return { id: body.id, facts: factsOf(addresses, body.has_password, body.mfa_enabled) };
}

const factsOf = (addresses: string[], hasPassword: boolean, hasFactor: boolean) =>
  `${addresses.sort().join(", ") || "no address"}; password ${hasPassword}; factor ${hasFactor}`;

/** @returns the challenge that offered other factors than a state allows; null if there is none */
export function offersWrongly(system: WaysInUnderTest, state: State): string | null {
  for (const [name, offered] of system.offered) {
    const challenge = state.challenges[name];
    // A sign-in that was resumed has the challenge of the first response.
    if (!challenge) continue;
    const allowed = activeFactors(state, challenge.user).filter(([, factor]) => isOffered(factor, challenge));
    const ids = allowed.map(([factor]) => system.factors.get(factor)?.id).sort();
    if (ids.join() !== offered.join()) return `challenge ${name} offers ${offered}, but must offer ${ids}`;
  }
  return null;
}

/** Notes in a state which tokens were used. @returns what of the responses the state contradicts; null if it explains them */
export function agrees(
  system: WaysInUnderTest,
  state: State,
  seen: ReadonlyMap<string, Seen | null>,
): string | null {
  for (const [name, found] of seen) {
    const session = liveSession(state, name);
    if (!session || !found) {
      if (Boolean(session) === Boolean(found)) continue;
      return `session ${name} is ${found ? "live" : "not live"}, but must ${session ? "" : "not "}be`;
    }
    session.isAcknowledged = true;
    const { user } = session;
    const known = state.ids[user];
    const others = Object.entries(state.ids).filter(([other, id]) => id === found.id && other !== user);
    if ((known !== undefined && known !== found.id) || others.length > 0)
      return `session ${name} is one of ${found.id}, but the user ${user} is ${known}`;
    state.ids[user] = found.id;
    const addresses = addressesOf(state, user).map(
      (address) => `${system.value(address)} ${state.addresses[address]?.isProved}`,
    );
    const hasPassword = userOf(state, user).password !== null;
    const facts = factsOf(addresses, hasPassword, activeFactors(state, user).length > 0);
    if (facts !== found.facts) return `session ${name} of ${user} sees ${found.facts}, but must see ${facts}`;
  }
  return null;
}
