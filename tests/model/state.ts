/**
 * What the contract promises, as far as it can be told from outside, in one plain object: who is signed in where, which
 * token must work, which link, who has had a trial, which subscription is kept. No code of `src` is used here.
 */

export const PEOPLE = ["ada", "bob", "eve"] as const;
export type Person = (typeof PEOPLE)[number];

/** Whose they are is in their names; whoever sits before one can type anybody's address. */
export const MACHINES = ["ada's laptop", "ada's desktop", "bob's laptop", "eve's laptop"] as const;
export type Machine = (typeof MACHINES)[number];
export type App = "mac" | "windows";
export const APPS: Readonly<Record<Machine, App>> = {
  "ada's laptop": "mac",
  "ada's desktop": "windows",
  "bob's laptop": "mac",
  "eve's laptop": "mac",
};

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** Links per address and day for machines that never signed it in. */
export const LINKS_LIMIT = 8;

export interface Link {
  person: Person;
  /** It alone has the verifier. */
  machine: Machine;
  isTrial: boolean;
  expiresAt: number;
  isUsed: boolean;
  /** The sign-in that it was used for, while that can be resumed; null again once another link signed in. */
  redemption: { session: string; startedAt: number } | null;
  isRevoked: boolean;
  failures: number;
}

/** A refresh token; its place in the list is its generation. */
export interface Token {
  expiresAt: number;
  /** When and from where it was first used; then the next one is its successor. */
  used: { at: number; network: string } | null;
}

export interface Session {
  person: Person;
  machine: Machine;
  createdAt: number;
  isStanding: boolean;
  /** When it was signed in or refreshed last. */
  lastUsedAt: number;
  /** When it was ended, before its time. */
  endedAt: number | null;
  expiresAt: number;
  /** The first is of generation 1. */
  tokens: Token[];
  /** Access tokens of lower generations have fallen. */
  generation: number;
  /** The highest generation that was seen on a call. */
  seen: number;
  /** The generation of the token that the machine holds: an answer that is lost leaves the old one. */
  held: number;
}

export interface AccessToken {
  session: string;
  generation: number;
  expiresAt: number;
}

export interface Trial {
  machines: Machine[];
  /** A link of it was redeemed. */
  isRedeemed: boolean;
  createdAt: number;
  /** When its address was first signed in since, with any link. */
  signedInAt: number | null;
  /** The name of its subscription. */
  subscription: string | null;
  /** How many it has had: one that ran out before anybody came for it is replaced. */
  subscriptions: number;
}

/** A subscription as it was when Nest last heard of it. */
export interface Subscription {
  person: Person;
  isTrial: boolean;
  status: string;
  createdAt: number;
  endsAt: number;
  /** Another one was kept instead. */
  isRejected: boolean;
}

export interface State {
  now: number;
  /** By the name of the operation that made them, as are sessions and access tokens. */
  links: Record<string, Link>;
  sessions: Record<string, Session>;
  accessTokens: Record<string, AccessToken>;
  /** Links that count against each address' day. */
  asked: Record<Person, number>;
  verified: Person[];
  knownMachines: Record<Person, Machine[]>;
  trials: Partial<Record<Person, Trial>>;
  /** Those that Nest knows, by name. */
  subscriptions: Record<string, Subscription>;
  /** The one that each person keeps. */
  kept: Partial<Record<Person, string | null>>;
}

export function emptyState(now: number): State {
  return {
    now,
    links: {},
    sessions: {},
    accessTokens: {},
    asked: { ada: 0, bob: 0, eve: 0 },
    verified: [],
    knownMachines: { ada: [], bob: [], eve: [] },
    trials: {},
    subscriptions: {},
    kept: {},
  };
}

/** One text for states that are the same, in whatever order things were written into them. */
export function fingerprint(value: unknown): string {
  return JSON.stringify(value, (_key, inner) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([one], [other]) => (one < other ? -1 : 1)))
      : inner,
  );
}
