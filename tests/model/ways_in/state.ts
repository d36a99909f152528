/**
 * Several people with their users, passwords, second factors, accounts at providers and sessions, as the contract defines them.
 * It uses no code of `src`. Everything is keyed by the name of the step that created it.
 */

export const PEOPLE = ["ann", "ben", "cid"] as const;
export type Person = (typeof PEOPLE)[number];

/** Addresses and numbers, with the people who read what is sent to them. Two are shared. */
export const READERS = {
  annMail: ["ann"],
  benMail: ["ben"],
  sharedMail: ["ann", "ben"],
  annPhone: ["ann"],
  sharedPhone: ["ben", "cid"],
} as const satisfies Record<string, readonly Person[]>;
export type Address = keyof typeof READERS;
export const ADDRESSES = Object.keys(READERS) as Address[];
export const isMail = (address: Address) => address.endsWith("Mail");
export const MAILS = ADDRESSES.filter(isMail);

interface ProviderAccount {
  provider: "google" | "microsoft";
  /** What the provider says about its owner. */
  mail: Address | null;
  isVerified: boolean;
}

/** Accounts at providers, which anybody can use in turn. Google is trusted to say whose an address is, Microsoft is not. */
export const ACCOUNTS = {
  annGoogle: { provider: "google", mail: "annMail", isVerified: true },
  sharedGoogle: { provider: "google", mail: "sharedMail", isVerified: true },
  unverifiedGoogle: { provider: "google", mail: "benMail", isVerified: false },
  benMicrosoft: { provider: "microsoft", mail: "benMail", isVerified: true },
  bareMicrosoft: { provider: "microsoft", mail: null, isVerified: false },
} as const satisfies Record<string, ProviderAccount>;
export type Account = keyof typeof ACCOUNTS;
export const accountOf = (account: Account): ProviderAccount => ACCOUNTS[account];

const MINUTE = 60_000;
export const MINUTES = (minutes: number) => minutes * MINUTE;
/** How old a sign-in may be for what needs a fresh one. */
export const FRESH = 10 * MINUTE;
/** After this time the call that redeemed something has ended, so that the same request resumes it. */
export const CALL = 5_000;
export const ATTEMPTS = 5;

export interface User {
  status: "active" | "disabled" | "deleted";
  /** `isProvisional`: set before the address was proved. `resetBy`: the address whose message reset it. */
  password: { text: string; isProvisional: boolean; resetBy: Address | null } | null;
  /** Every session whose sign-in is not later has ended, except one. */
  ended: { at: number; except: string | null };
  codes: { set: string; used: number[]; lastUsed: string | null } | null;
  /** How often each action is in the audit log. */
  audit: Record<string, number>;
  /** Sign-ins whose password was replaced while they ran. The session of one may have been stored, and then ended. */
  overtakenSignIns: number;
}

export interface Session {
  user: string;
  client: string;
  amr: readonly string[];
  signedInAt: number;
  /** Whether a message or a provider proved the person. */
  isProving: boolean;
  isLive: boolean;
  /** Whether it was ended. One that a resumed sign-in starts after the end of all sessions is neither live nor revoked. */
  isRevoked: boolean;
  /** Whether a token of it was used. */
  isAcknowledged: boolean;
}

/** What is redeemed once, and can be resumed until the session that it starts is used. */
export interface Redeemable {
  usedAt: number | null;
  startedAt: number;
  session: string | null;
  challenge: string | null;
  expiresAt: number;
  isRevoked: boolean;
}

export type Purpose = "magic_link" | "sign_in" | "register" | "reset" | "verify";

export interface Message extends Redeemable {
  /** Who requested it, and has its nonce or its verifier. */
  by: Person;
  purpose: Purpose;
  address: Address;
  client: string;
  sends: { code: boolean; token: boolean };
  attempts: number;
  /** What a registration sets. */
  password: string | null;
  /** Whose address it proves, and the session that asked. */
  user: string | null;
  asker: string | null;
}

export interface Visit extends Redeemable {
  account: Account;
  client: string;
  intent: "sign_in" | "link";
  user: string | null;
  asker: string | null;
}

export type FactorType = "totp" | "sms" | "email";
export interface Factor {
  user: string;
  type: FactorType;
  to: Address | null;
  status: "pending" | "active" | "removed" | "replaced";
  wasActive: boolean;
  expiresAt: number;
  attempts: number;
  /** The newest time step that was accepted, and by which challenge or session. */
  lastStep: number | null;
  lastBy: string | null;
  /** The session that created it. */
  creator: string;
  /** The session that activated it. */
  activator: string | null;
}

export interface Challenge {
  purpose: "sign_in" | "step_up";
  user: string;
  client: string;
  amr: readonly string[];
  address: Address | null;
  resetBy: Address | null;
  /** The account that was the first factor, and the visit that linked it. Null: something else was. */
  link: { account: Account; visit: string } | null;
  isProving: boolean;
  createdAt: number;
  attempts: number;
  sent: { factor: string; code: string } | null;
  usedAt: number | null;
  startedAt: number;
  /** The session that it starts or makes fresh. */
  session: string | null;
}

export interface State {
  now: number;
  users: Record<string, User>;
  /** The user of each address that somebody has. */
  addresses: Partial<Record<Address, { user: string; isProved: boolean }>>;
  /** Users with an address that they asked to add and have not proved, as `user address`. */
  pending: string[];
  /** Every user who had the address, oldest first. */
  owners: Partial<Record<Address, string[]>>;
  /** Every link of an account, oldest first. One at most is not removed. */
  links: Partial<Record<Account, { user: string; visit: string; isRemoved: boolean }[]>>;
  factors: Record<string, Factor>;
  challenges: Record<string, Challenge>;
  messages: Record<string, Message>;
  visits: Record<string, Visit>;
  sessions: Record<string, Session>;
  /** The real id of each user, once a response has shown it. */
  ids: Record<string, string>;
}

export const emptyState = (now: number): State => ({
  now,
  ...{ users: {}, addresses: {}, pending: [], owners: {}, links: {}, factors: {}, challenges: {} },
  ...{ messages: {}, visits: {}, sessions: {}, ids: {} },
});

export const userOf = (state: State, name: string): User => {
  const user = state.users[name];
  if (!user) throw new Error(`the model has no user ${name}`);
  return user;
};

export function record(state: State, name: string, action: string): void {
  const { audit } = userOf(state, name);
  audit[action] = (audit[action] ?? 0) + 1;
}

export function newUser(state: State, name: string): void {
  const ended = { at: 0, except: null };
  state.users[name] ??= {
    status: "active",
    password: null,
    ended,
    codes: null,
    audit: {},
    overtakenSignIns: 0,
  };
}

export function takeAddress(
  state: State,
  address: Address,
  owner: { user: string; isProved: boolean },
): void {
  state.addresses[address] = owner;
  state.owners[address] = [...(state.owners[address] ?? []), owner.user];
}

export const linkOf = (state: State, account: Account) =>
  state.links[account]?.find(({ isRemoved }) => !isRemoved);

export const addressesOf = (state: State, user: string, isProved?: true) =>
  ADDRESSES.filter((address) => {
    const owner = state.addresses[address];
    return owner?.user === user && (isProved === undefined || owner.isProved);
  });

export const accountsOf = (state: State, user: string) =>
  (Object.keys(ACCOUNTS) as Account[]).filter((account) => linkOf(state, account)?.user === user);

/** Until the first proof of an address, another person may have claimed it: nothing can be added to such a user. */
export const mayAdd = (state: State, user: string) =>
  addressesOf(state, user).length === 0 || addressesOf(state, user, true).length > 0;

export const activeFactors = (state: State, user: string) =>
  Object.entries(state.factors).filter(([, factor]) => factor.user === user && factor.status === "active");
