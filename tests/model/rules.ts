/** The rules of links, sessions and tokens (contract 1.2) on the state of the model. */
import {
  type AccessToken,
  APPS,
  DAY,
  HOUR,
  LINKS_LIMIT,
  type Link,
  type Machine,
  MINUTE,
  type Person,
  SECOND,
  type Session,
  type State,
} from "#tests/model/state.ts";

const LINK_LIFE = 20 * MINUTE;
const ACCESS_TOKEN_LIFE = HOUR;
const REFRESH_TOKEN_LIFE = 365 * DAY;
const FAILURES_LIMIT = 10;
/** Grace period for concurrent refreshes. */
const GRACE = 10 * SECOND;
/** How long a redemption may run. */
const REDEMPTION_LIMIT = 5 * SECOND;

/**
 * A known device has its own limit, so that a stranger can't lock its user out. An address above its daily limit still
 * gets one link an hour; the clock of the rate limits does not move within a history.
 */
export function mayAsk(state: State, person: Person, isKnown: boolean): boolean {
  return isKnown || state.asked[person] < LINKS_LIMIT + 1;
}

/** Whether a device has signed the address in. The link keeps the value from the time of its request. */
export const knows = (state: State, person: Person, machine: Machine) =>
  state.knownMachines[person].includes(machine);

/**
 * Counts a link against the limit, unless the device is known. A concurrent request may have used up the limit meanwhile.
 */
export function takeLink(state: State, person: Person, isKnown: boolean): boolean {
  if (!mayAsk(state, person, isKnown)) return false;
  if (!isKnown) state.asked[person]++;
  return true;
}

export function makeLink(
  state: State,
  name: string,
  link: Pick<Link, "person" | "machine" | "isTrial">,
): void {
  const expiresAt = state.now + LINK_LIFE;
  state.links[name] = { ...link, expiresAt, isUsed: false, redemption: null, isRevoked: false, failures: 0 };
}

/** The parameters of a redemption. */
export interface Shown {
  machine: Machine;
  isSecretRight: boolean;
  isRedirectRight: boolean;
}

/** The decision on a redemption: an error, or a session. */
export type Redeeming = { refused: string; wasUsed: boolean; isCounted: boolean } | { session: string };

/** Decides a redemption, and marks the link as used or resumes its redemption. @param name name of the new session */
export function tryRedeem(state: State, link: Link, shown: Shown, name: string): Redeeming {
  const refused = (code: string, isCounted = false) => ({ refused: code, wasUsed: link.isUsed, isCounted });
  if (!shown.isSecretRight) return refused("token_not_found");
  const mismatch = mismatchOf(link, shown);
  if (link.isUsed) {
    const { redemption } = link;
    if (!redemption || !isResumable(link, redemption, state.now)) return refused("token_used");
    if (mismatch) return refused("token_used", true);
    const { session } = redemption;
    const refusal = whyNotResumed(state.sessions[session]);
    if (refusal) return refused(refusal);
    link.redemption = { session, startedAt: state.now };
    return { session };
  }
  if (link.isRevoked || link.failures >= FAILURES_LIMIT) return refused("authorization_not_found");
  if (link.expiresAt <= state.now) return refused("token_expired");
  if (mismatch) return refused(mismatch, true);
  link.isUsed = true;
  link.redemption = { session: name, startedAt: state.now };
  return { session: name };
}

function mismatchOf(link: Link, shown: Shown): string | null {
  if (APPS[link.machine] !== APPS[shown.machine]) return "incorrect_client";
  if (!shown.isRedirectRight) return "incorrect_redirect_uri";
  return link.machine === shown.machine ? null : "incorrect_code_verifier";
}

/** Whether a redemption can be resumed: it no longer runs, and the link has not expired. */
function isResumable(link: Link, { startedAt }: { startedAt: number }, now: number): boolean {
  return now - startedAt >= REDEMPTION_LIMIT && link.expiresAt > now && link.failures < FAILURES_LIMIT;
}

/** Ends the time in which a redemption can be resumed, since one of its tokens was used. */
function whyNotResumed(session: Session | undefined): string | null {
  if (session === undefined) return null;
  if (session.seen > 0 || session.generation > 1 || session.tokens[0]?.used) return "token_used";
  return session.isStanding ? null : "authorization_not_found";
}

/** Counts a failed check; ten block a link. A link that was redeemed or revoked meanwhile stays unchanged. */
export function countFailure(link: Link, failed: Extract<Redeeming, { refused: string }>): void {
  if (failed.isCounted && link.isUsed === failed.wasUsed && !link.isRevoked) link.failures++;
}

/** Applies a redemption. @param name name of the operation and of its access token */
export function signIn(state: State, name: string, spent: string, redeeming: { session: string }): void {
  const { person, machine, isTrial } = state.links[spent] as Link;
  for (const [other, link] of Object.entries(state.links)) {
    const isSame = link.person === person && APPS[link.machine] === APPS[machine];
    if (!isSame || other === spent) continue;
    if (link.isUsed) link.redemption = null;
    else link.isRevoked = true;
  }
  if (!state.verified.includes(person)) state.verified.push(person);
  if (!state.knownMachines[person].includes(machine)) state.knownMachines[person].push(machine);
  const trial = state.trials[person];
  if (trial && isTrial) trial.isRedeemed = true;
  const { session } = redeeming;
  const expiresAt = state.now + REFRESH_TOKEN_LIFE;
  state.sessions[session] ??= {
    person,
    machine,
    createdAt: state.now,
    lastUsedAt: state.now,
    isStanding: true,
    endedAt: null,
    expiresAt,
    tokens: [{ expiresAt, used: null }],
    generation: 1,
    seen: 0,
    held: 1,
  };
  issueAccessToken(state, name, session, 1);
}

function issueAccessToken(state: State, name: string, session: string, generation: number): void {
  state.accessTokens[name] = { session, generation, expiresAt: state.now + ACCESS_TOKEN_LIFE };
}

/** The decision on a refresh: an error, theft, or the generation that is returned. */
export type Refresh = { refused: string } | { stolen: true } | { generation: number };

/** Decides a refresh, and marks an unused token as used. */
export function decideRefresh(state: State, session: Session, generation: number): Refresh {
  const token = session.tokens[generation - 1];
  if (!token) throw new Error("the model has no such token");
  if (!session.isStanding) return { refused: "authorization_not_found" };
  if (token.expiresAt <= state.now) return { refused: "token_expired" };
  if (token.used === null) {
    token.used = { at: state.now };
    session.tokens.push({ expiresAt: state.now + REFRESH_TOKEN_LIFE, used: null });
    return { generation: generation + 1 };
  }
  const hasArrived = session.seen > generation || session.tokens[generation]?.used !== null;
  const isOtherWindow = state.now - token.used.at <= GRACE;
  return !hasArrived || isOtherWindow ? { generation: generation + 1 } : { stolen: true };
}

export function endSession(state: State, session: Session): void {
  session.isStanding = false;
  session.endedAt ??= state.now;
}

/** @returns the code of the response */
export function finishRefresh(state: State, name: string, of: string, refresh: Refresh): string {
  const session = state.sessions[of] as Session;
  if ("refused" in refresh) return refresh.refused;
  if ("stolen" in refresh) {
    endSession(state, session);
    return "token_used";
  }
  if (!session.isStanding) return "authorization_not_found";
  session.generation = Math.max(session.generation, refresh.generation);
  session.expiresAt = Math.max(session.expiresAt, state.now + REFRESH_TOKEN_LIFE);
  session.lastUsedAt = state.now;
  issueAccessToken(state, name, of, refresh.generation);
  return "200";
}

/** Reason why an access token is not valid; null if it is valid. */
export function invalidReason(
  state: State,
  { session: of, generation, expiresAt }: AccessToken,
): string | null {
  const session = state.sessions[of] as Session;
  // The expiry of a token is in whole seconds.
  if (Math.floor(expiresAt / SECOND) <= Math.floor(state.now / SECOND)) return "token_expired";
  if (!session.isStanding || generation < session.generation) return "token_revoked";
  return session.expiresAt <= state.now ? "token_expired" : null;
}

/** Records that the response with this token arrived: the token before it can no longer be used. */
export function see(state: State, { session, generation }: AccessToken): void {
  const seen = state.sessions[session] as Session;
  seen.seen = Math.max(seen.seen, generation);
}
