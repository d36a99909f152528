/** One address and its user, as the contract defines them. It uses no code of `src`. */

/** The owner reads the mailbox of the address; the stranger does not. */
export const PEOPLE = ["owner", "stranger"] as const;
export type Person = (typeof PEOPLE)[number];

const MINUTE = 60_000;

/** How long the secrets of a message work, by what they do. */
export const LIFETIMES = {
  magic_link: 20 * MINUTE,
  sign_in: 10 * MINUTE,
  register: 10 * MINUTE,
  reset_password: 30 * MINUTE,
  verify_code: 10 * MINUTE,
  verify_link: 24 * 60 * MINUTE,
} as const;
export type Purpose = keyof typeof LIFETIMES;

/** How old a sign-in may be at which a password can be set. */
export const FRESH = 10 * MINUTE;

/** A mail to the address. */
export interface Message {
  purpose: Purpose;
  /** Who requested it, and has its nonce or its verifier. */
  by: Person;
  /** What a registration sets. */
  password: string | null;
  /** Whether it has a secret that is accepted. */
  isOpen: boolean;
  expiresAt: number;
}

export interface Session {
  person: Person;
  /** Whether a proof of the address started it. */
  isProving: boolean;
  signedInAt: number;
  isLive: boolean;
}

export interface State {
  now: number;
  user: { isProved: boolean; password: string | null } | null;
  /** Messages and sessions are keyed by the name of the step that created them. */
  messages: Record<string, Message>;
  sessions: Record<string, Session>;
}

export const emptyState = (now: number): State => ({ now, user: null, messages: {}, sessions: {} });

export const isVerify = ({ purpose }: Message) => purpose === "verify_code" || purpose === "verify_link";

/** Sends a message, which replaces the earlier ones of its purpose. Magic links replace nothing. */
export function send(state: State, name: string, sent: Omit<Message, "expiresAt">): void {
  const replaces = (other: Message) =>
    sent.purpose !== "magic_link" &&
    (other.purpose === sent.purpose || (isVerify(other) && isVerify(sent as Message)));
  close(state, replaces);
  state.messages[name] = { ...sent, expiresAt: state.now + LIFETIMES[sent.purpose] };
}

export function close(state: State, which: (message: Message) => boolean): void {
  for (const message of Object.values(state.messages)) if (which(message)) message.isOpen = false;
}

export function end(state: State, which: (session: Session) => boolean): void {
  for (const session of Object.values(state.sessions)) if (which(session)) session.isLive = false;
}

/**
 * Proves the address. The first proof drops what was set before it, unless it shows a secret that only who set it has.
 * @param isByClaimant whether it does
 */
export function prove(state: State, isByClaimant: boolean): void {
  const user = state.user as NonNullable<State["user"]>;
  if (user.isProved) return;
  user.isProved = true;
  if (isByClaimant) return;
  user.password = null;
  end(state, ({ isProving }) => !isProving);
  close(state, isVerify);
}

export function signIn(state: State, name: string, person: Person, isProving: boolean): void {
  state.sessions[name] = { person, isProving, signedInAt: state.now, isLive: true };
}

/** The owner redeems what a message allows. @returns `200` or `refused` */
export function redeem(state: State, name: string, of: string, how: { password: string; isBearer: boolean }) {
  const message = state.messages[of] as Message;
  const { purpose, password } = message;
  if (!message.isOpen || message.expiresAt <= state.now) return "refused";
  message.isOpen = false;
  if (purpose === "magic_link" || purpose === "sign_in" || purpose === "register") {
    state.user ??= { isProved: true, password: null };
    prove(state, false);
    signIn(state, name, "owner", true);
    if (purpose === "magic_link") close(state, (other) => other.purpose === "magic_link");
    if (purpose === "register") state.user.password ??= password;
    return "200";
  }
  if (purpose === "reset_password") {
    prove(state, false);
    (state.user as NonNullable<State["user"]>).password = how.password;
    end(state, () => true);
    close(state, (other) => other.purpose !== "magic_link");
    return "200";
  }
  prove(state, purpose === "verify_code" || how.isBearer);
  return "200";
}
