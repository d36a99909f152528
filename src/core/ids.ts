import { createHash } from "node:crypto";
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
  mfaFactor: "mfafac",
  mfaChallenge: "mfachal",
  passkeyChallenge: "pkchal",
  recoveryCodes: "reccodes",
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
  oauthIdentity: "oauthid",
  webhook: "webhook",
  webhookMessage: "msg",
  webhookDelivery: "whdel",
} as const;

/** The random part of a KSUID. */
const PAYLOAD_BYTES = 16;
/** The first time of a KSUID, in epoch milliseconds. */
const KSUID_EPOCH_MS = 1_400_000_000_000;

export type Resource = keyof typeof PREFIXES;

/** A new id: `<prefix>_<27 base62 characters>`, sortable by second, not secret. */
export function newId(resource: Resource): string {
  return `${PREFIXES[resource]}_${KSUID.randomSync().string}`;
}

/** Derives the id of a resource that exists once for another resource. The same id always gives the same result. */
export function derivedIdOf(id: string, resource: Resource): string {
  return `${PREFIXES[resource]}_${id.slice(id.indexOf("_") + 1)}`;
}

/**
 * Derives the id of a resource that exists once for two others. The same ids always give the same result.
 * @param first its time becomes that of the result, if it is an id that `newId` made: ids of imported users can be others
 */
export function idOfBoth(first: string, second: string, resource: Resource): string {
  const payload = createHash("sha256").update(`${first} ${second}`).digest().subarray(0, PAYLOAD_BYTES);
  return `${PREFIXES[resource]}_${KSUID.fromParts(timeOf(first), payload).string}`;
}

/** Whether an id is one of a resource. */
export const isIdOf = (id: string, resource: Resource): boolean => id.startsWith(`${PREFIXES[resource]}_`);

/** When an id was made, in epoch milliseconds; the first time of KSUIDs for an id that is none. */
function timeOf(id: string): number {
  try {
    return KSUID.parse(id.slice(id.indexOf("_") + 1)).date.getTime();
  } catch {
    return KSUID_EPOCH_MS;
  }
}

/** The `_id` of a stored SES event, derived from the event's own id so that a redelivery is stored once. */
export function mailEventId(eventId: string): string {
  return `mailevent_${eventId}`;
}
