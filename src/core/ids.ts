import KSUID from "ksuid";

/** Id prefixes by resource (contract C1). */
const PREFIXES = {
  user: "user",
  identifier: "userident",
  role: "role",
  account: "account",
  accountMember: "acctmem",
  authorization: "authzcode",
  verification: "verif",
  /** A verification that disowns a session. Its id derives from the session's. */
  disownment: "disown",
  accessToken: "acstok",
  refreshToken: "reftok",
  session: "session",
  password: "passwd",
  marketingConsent: "mktngconsent",
  newsItem: "newsitem",
  subscription: "sub",
  entitlement: "entitlement",
  trial: "trial",
  checkout: "checkout",
  providerMapping: "provmap",
  erasure: "erased",
  event: "event",
  auditLog: "audit",
} as const;

export type Resource = keyof typeof PREFIXES;

/** A new id: `<prefix>_<27 base62 characters>`, sortable by second, not secret. */
export function newId(resource: Resource): string {
  return `${PREFIXES[resource]}_${KSUID.randomSync().string}`;
}

/** Derives the id of a resource that exists once for another resource. The same id always gives the same result. */
export function derivedIdOf(id: string, resource: Resource): string {
  return `${PREFIXES[resource]}_${id.slice(id.indexOf("_") + 1)}`;
}

/** The `_id` of a stored SES event, derived from the event's own id so that a redelivery is stored once. */
export function mailEventId(eventId: string): string {
  return `mailevent_${eventId}`;
}
