import {
  type Account,
  type Address,
  accountsOf,
  activeFactors,
  addressesOf,
  type Challenge,
  type Factor,
  FRESH,
  isMail,
  type Message,
  MINUTES,
  newUser,
  type Purpose,
  type Redeemable,
  record,
  type Session,
  type State,
  takeAddress,
  userOf,
} from "#tests/model/ways_in/state.ts";

const LIFETIMES: Record<Purpose, number> = {
  magic_link: MINUTES(20),
  sign_in: MINUTES(10),
  register: MINUTES(10),
  reset: MINUTES(30),
  verify: MINUTES(10),
};

type Sent = Pick<Message, "purpose" | "address" | "by" | "client" | "sends"> & Partial<Message>;

/** Stores a message. It replaces the earlier ones of its purpose, except magic links, and verifications of other users. */
export function send(state: State, name: string, sent: Sent): void {
  const { purpose, address, user = null } = sent;
  if (purpose !== "magic_link")
    revoke(state, (one) => one.purpose === purpose && one.address === address && one.user === user);
  const lifetime = purpose === "reset" && !isMail(address) ? MINUTES(10) : LIFETIMES[purpose];
  state.messages[name] = {
    ...{ attempts: 0, password: null, asker: null, ...sent, user },
    ...{ usedAt: null, startedAt: 0, session: null, challenge: null, isRevoked: false },
    expiresAt: Math.floor(state.now) + lifetime,
  };
}

export function revoke(state: State, which: (message: Message) => boolean): void {
  for (const message of Object.values(state.messages)) if (which(message)) message.isRevoked = true;
}

export function endSessions(
  state: State,
  user: string,
  { except, isFor }: { except: string | null; isFor?: (session: Session) => boolean },
): void {
  for (const [name, session] of Object.entries(state.sessions))
    if (session.user === user && name !== except && (isFor?.(session) ?? true)) endOne(session);
  if (isFor === undefined) userOf(state, user).ended = { at: state.now, except };
}

export function endOne(session: Session): void {
  session.isLive = false;
  session.isRevoked = true;
}

/** The session, if its tokens are accepted; else null. */
export const liveSession = (state: State, name: string): Session | null => {
  const session = state.sessions[name];
  return session?.isLive && userOf(state, session.user).status === "active" ? session : null;
};

/** @returns the error of a call that needs a fresh sign-in; null if it is allowed */
export function needsFresh(state: State, name: string): string | null {
  const session = liveSession(state, name);
  if (!session) return "unauthorized";
  return state.now - session.signedInAt > FRESH ? "reauthentication_required" : null;
}

/** The same for what needs a second factor that was presented. */
export const needsFactor = (state: State, name: string): string | null =>
  needsFresh(state, name) ?? (state.sessions[name]?.amr.includes("mfa") ? null : "reauthentication_required");

/** How a person proved who they are, and what it started before. */
export interface First {
  user: string;
  client: string;
  amr: readonly string[];
  address: Address | null;
  resetBy?: Address | null;
  link?: Challenge["link"];
  isProving: boolean;
  signedInAt: number;
}

export function signIn(state: State, name: string, first: Omit<First, "address" | "resetBy" | "link">): void {
  const { user, client, amr, isProving, signedInAt } = first;
  const isLive = signedInAt > userOf(state, user).ended.at;
  const facts = { user, client, amr, isProving, signedInAt };
  state.sessions[name] = { ...facts, isLive, isRevoked: false, isAcknowledged: false };
  record(state, user, "user.signed_in");
}

/**
 * What follows a correct first factor: a session, or a challenge if the user has a second factor.
 * @param redeemed what was redeemed; it keeps the session or the challenge
 */
export function pass(state: State, name: string, first: First, redeemed: Redeemable | null = null): string {
  const hasFactors = activeFactors(state, first.user).length > 0;
  if (!hasFactors) {
    // A session that was resumed is the same.
    const isAgain = redeemed !== null && startedBy(state, redeemed) !== null;
    if (!isAgain) signIn(state, name, first);
    if (redeemed && !isAgain) redeemed.session = name;
    return "200";
  }
  if (redeemed?.challenge == null) {
    const { user, client, amr, address, resetBy = null, link = null } = first;
    const { isProving, signedInAt: createdAt } = first;
    const facts = { purpose: "sign_in", user, client, amr, address, resetBy, link } as const;
    const unused = { attempts: 0, sent: null, usedAt: null, startedAt: 0, session: null };
    state.challenges[name] = { ...facts, isProving, createdAt, ...unused };
    if (redeemed) redeemed.challenge = name;
  }
  return "mfa_required";
}

/** Whether a challenge accepts a factor: a proof by the same channel as the first factor is no second factor. */
export function isOffered(
  { type, to }: Pick<Factor, "type" | "to">,
  challenge: Pick<Challenge, "amr" | "address" | "resetBy" | "purpose">,
): boolean {
  const { amr, address, resetBy, purpose } = challenge;
  if (type === "totp") return true;
  if (amr.includes("pwd")) return type === "email" ? resetBy === null || !isMail(resetBy) : to !== resetBy;
  if (purpose === "step_up") return amr.includes("mfa") || (type === "sms" && !amr.includes("otp"));
  const isByMail = (address !== null && isMail(address)) || amr.includes("link") || amr.includes("fed");
  return type === "email" ? !isByMail : to !== address;
}

/** What a user would have. */
interface Remaining {
  factors: readonly Pick<Factor, "type" | "to">[];
  /** What is removed. */
  without?: Address | Account;
}

/** Whether one of the factors can follow some first factor of the user: else only recovery codes would sign them in. */
export function isReachable(state: State, user: string, { factors, without }: Remaining): boolean {
  if (factors.length === 0) return true;
  const addresses = addressesOf(state, user, true).filter((one) => one !== without);
  const hasAccount = accountsOf(state, user).some((one) => one !== without);
  const { password } = userOf(state, user);
  const own = { purpose: "sign_in", address: null, resetBy: null } as const;
  const firsts = [
    ...addresses.map((address) => ({ ...own, address, amr: [isMail(address) ? "link" : "otp"] })),
    ...(hasAccount ? [{ ...own, amr: ["fed"] }] : []),
    ...(password && addresses.length > 0 ? [{ ...own, resetBy: password.resetBy, amr: ["pwd"] }] : []),
  ];
  // A mailed code goes to an address only as long as the user has it.
  const usable = factors.filter(({ type, to }) => type !== "email" || (to && addresses.includes(to)));
  const isSent = factors.every(({ type }) => type !== "totp");
  return !isSent || firsts.some((first) => usable.some((factor) => isOffered(factor, first)));
}

/** Whether the user's factors could follow none of the first factors that stay. */
export const leavesFactorsUnusable = (state: State, user: string, without: Address | Account): boolean => {
  const factors = activeFactors(state, user).map(([, factor]) => factor);
  return !isReachable(state, user, { factors, without });
};

/** Whether a challenge can be presented: not expired, and its user did not end all sessions or unlink its account since. */
export function isOpen(state: State, name: string): boolean {
  const challenge = state.challenges[name];
  if (!challenge || state.now >= challenge.createdAt + MINUTES(10)) return false;
  const { status, ended } = userOf(state, challenge.user);
  // The challenge of the session that stayed can still be presented by a call that is repeated.
  const hasStayed = challenge.session !== null && challenge.session === ended.except;
  const isLater = challenge.createdAt > ended.at || hasStayed;
  const { link } = challenge;
  const isLinked =
    link === null || state.links[link.account]?.some((one) => one.visit === link.visit && !one.isRemoved);
  if (!isLinked) return false;
  return status === "active" && (challenge.purpose === "step_up" || isLater);
}

/** Proves an address. The first proof of a user drops what was set before it, unless who set it proves it. */
export function prove(state: State, address: Address, isByClaimant: boolean): void {
  const owner = state.addresses[address];
  if (!owner || owner.isProved) return;
  owner.isProved = true;
  record(state, owner.user, "identifier.verified");
  if (isByClaimant) return;
  const user = userOf(state, owner.user);
  if (user.password?.isProvisional) user.password = null;
  endSessions(state, owner.user, { except: null, isFor: ({ isProving }) => !isProving });
  revoke(state, (one) => one.user === owner.user);
  dropPending(state, owner.user);
}

/** The session that was started, at once or by the second factor. */
const startedBy = (state: State, { session, challenge }: Pick<Redeemable, "session"> & Partial<Redeemable>) =>
  session ?? state.challenges[challenge ?? ""]?.session ?? null;

/**
 * Whether what was redeemed can be resumed: its session was not used, and not revoked, and its user still has what proved it.
 * @returns `used` or `gone` if not; null if it can
 */
export function refusalToResume(
  state: State,
  redeemed: Pick<Redeemable, "session"> & Partial<Redeemable>,
  owner?: Address,
): "used" | "gone" | null {
  const session = state.sessions[startedBy(state, redeemed) ?? ""];
  if (!session) return null;
  if (session.isAcknowledged) return "used";
  const isOwner = owner === undefined || state.addresses[owner]?.user === session.user;
  return session.isRevoked || !isOwner ? "gone" : null;
}

/** The user of an address that a message to it proves; a new one if it has none. */
export function ownerBy(state: State, address: Address, newName: string): string {
  const owner = state.addresses[address];
  if (owner) {
    prove(state, address, false);
    return owner.user;
  }
  newUser(state, newName);
  takeAddress(state, address, { user: newName, isProved: false });
  record(state, newName, "user.created");
  prove(state, address, true);
  return newName;
}

/** Sets the first password of a user who registered. */
export function keepFirst(state: State, user: string, text: string | null): void {
  const of = userOf(state, user);
  if (text === null || of.password !== null) return;
  of.password = { text, isProvisional: false, resetBy: null };
  record(state, user, "password.set");
}

/** Ends everything that a reset or a deletion ends of what was sent to the user. */
export function revokeAllOf(state: State, user: string, except: string | null): void {
  dropPending(state, user);
  const addresses = addressesOf(state, user);
  for (const [name, message] of Object.entries(state.messages))
    if (name !== except && message.purpose !== "magic_link")
      if (message.user === user || addresses.includes(message.address)) message.isRevoked = true;
}

export const pendingName = (user: string, address: Address) => `${user} ${address}`;

export function dropPending(state: State, user: string): void {
  state.pending = state.pending.filter((one) => !one.startsWith(`${user} `));
}

/** Who may use a password that was set before a proof: whoever claimed the address, until somebody proves it. */
export const signInPassword = (state: State, address: Address) => {
  const owner = state.addresses[address];
  const user = owner && userOf(state, owner.user);
  return user?.status === "active" ? { user: owner?.user ?? "", password: user.password } : null;
};
