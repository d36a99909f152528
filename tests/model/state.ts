/**
 * The observable state that the contract defines, as a plain object: sessions, valid tokens and links, used trials, and kept
 * subscriptions. It uses no code of `src`.
 */

export const PEOPLE = ["ada", "bob", "eve"] as const;
export type Person = (typeof PEOPLE)[number];

/** Devices with their owners. A device can be used with any address. */
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

/** Links per address and day for unknown devices. */
export const LINKS_LIMIT = 8;

export interface Link {
  person: Person;
  /** The device that has the verifier. */
  machine: Machine;
  isTrial: boolean;
  expiresAt: number;
  isUsed: boolean;
  /**
   * The sign-in that the link was used for, while the sign-in can be resumed; null again once another link signed in.
   */
  redemption: { session: string; startedAt: number } | null;
  isRevoked: boolean;
  failures: number;
}

/** A refresh token. Its index in the list is its generation minus one. */
export interface Token {
  expiresAt: number;
  /** Time of its first use. Its successor is the next token of the list. */
  used: { at: number } | null;
}

export interface Session {
  person: Person;
  machine: Machine;
  createdAt: number;
  isStanding: boolean;
  /** Time of the sign-in or of the last refresh. */
  lastUsedAt: number;
  /** Time of the revocation. */
  endedAt: number | null;
  expiresAt: number;
  /** The first token has generation 1. */
  tokens: Token[];
  /** Access tokens of lower generations are not valid. */
  generation: number;
  /** The highest acknowledged generation. */
  seen: number;
  /** Generation of the token that the device has. A lost response leaves the old token. */
  held: number;
}

export interface AccessToken {
  session: string;
  generation: number;
  expiresAt: number;
}

export interface Trial {
  machines: Machine[];
  /** Whether a link of the trial was redeemed since it was claimed. */
  isRedeemed: boolean;
  /** When it was claimed, or claimed again. */
  claimedAt: number;
  /** Whether a device that had signed in with the address has requested it. */
  isFromKnownMachine: boolean;
  /** Whether a status call of its owner was granted by it. */
  isUsed: boolean;
  endsAt: number;
  /** Name of its subscription. */
  subscription: string | null;
  /** Number of its subscriptions: an unused trial that ran out is renewed. */
  subscriptions: number;
}

/** A subscription at its last processed event. */
export interface Subscription {
  person: Person;
  isTrial: boolean;
  status: string;
  createdAt: number;
  endsAt: number;
  /** Whether another subscription was kept instead. */
  isRejected: boolean;
  /** Whether it ends at a scheduled time. */
  isScheduled: boolean;
}

export interface State {
  now: number;
  /** Links, sessions and access tokens are keyed by the name of the operation that created them. */
  links: Record<string, Link>;
  sessions: Record<string, Session>;
  accessTokens: Record<string, AccessToken>;
  /** Links that count against the daily limit of each address. */
  asked: Record<Person, number>;
  verified: Person[];
  knownMachines: Record<Person, Machine[]>;
  trials: Partial<Record<Person, Trial>>;
  /** Subscriptions that Nest has stored, by name. */
  subscriptions: Record<string, Subscription>;
  /** Name of the kept subscription of each person. */
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

/** A text that is equal for equal states, whatever the order of their keys. */
export function fingerprint(value: unknown): string {
  return JSON.stringify(value, (_key, inner) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([one], [other]) => (one < other ? -1 : 1)))
      : inner,
  );
}
