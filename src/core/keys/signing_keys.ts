import { createECDH, createPublicKey } from "node:crypto";
import type { JWK } from "jose";
import {
  array,
  iso,
  literal,
  looseObject,
  nullish,
  enum as oneOf,
  optional,
  type output,
  refine,
  string,
} from "zod/mini";
import { DAY, plusSeconds } from "#core/clock.ts";
import { json, published, secret } from "#core/config.ts";

/**
 * `next` is published before it signs, `current` signs, `retired` still verifies what it signed (contract 1.2).
 */
const signingKey = looseObject({
  kty: literal("EC"),
  crv: literal("P-256"),
  kid: string(),
  x: string(),
  y: string(),
  /** The private key; absent in functions that only verify. */
  d: optional(string()),
  /** If present, they must allow signing with ES256 (RFC 7517 sections 4.2 to 4.4). */
  alg: optional(literal("ES256")),
  use: optional(literal("sig")),
  key_ops: optional(array(oneOf(["sign", "verify"]))),
  state: oneOf(["next", "current", "retired"]),
  created_at: iso.datetime({ offset: true }),
  retired_at: nullish(iso.datetime({ offset: true })),
});

/** Checks that the point lies on P-256 and that the private key, if present, belongs to it. */
function isKeyPair({ kty, crv, x, y, d }: output<typeof signingKey>): boolean {
  try {
    createPublicKey({ key: { kty, crv, x, y }, format: "jwk" });
    if (d === undefined) return true;
    const pair = createECDH("prime256v1");
    pair.setPrivateKey(d, "base64url");
    const point = pair.getPublicKey();
    return point
      .subarray(1)
      .equals(Buffer.concat([Buffer.from(x, "base64url"), Buffer.from(y, "base64url")]));
  } catch {
    return false;
  }
}

const keySet = looseObject({ keys: array(signingKey) }).check(
  refine(({ keys }) => keys.filter((key) => key.state === "current").length === 1),
  refine(({ keys }) => new Set(keys.map((key) => key.kid)).size === keys.length),
  refine(({ keys }) => keys.every(isKeyPair)),
);

export type StoredKey = output<typeof signingKey>;
export type StoredKeySet = output<typeof keySet>;

/** For functions that verify: the set needs no private key. */
export const verifyingKeyVariables = { SIGNING_KEYS: published(json(keySet), "SIGNING_KEYS_PUBLIC") };

/** For functions that sign: the same set with its private keys. */
export const signerVariables = { SIGNING_KEYS: secret(json(keySet)) };

/** The longest lifetime of anything we sign: an entitlement's 14 days (an access token: 10 days at most). */
export const LONGEST_SIGNED_LIFE_SECONDS = 14 * DAY;

/** Whether a key still verifies what it signed. */
export const isValid = (key: StoredKey, now: Date) =>
  key.state !== "retired" ||
  (key.retired_at ? plusSeconds(new Date(key.retired_at), LONGEST_SIGNED_LIFE_SECONDS) > now : false);

/** The public JWKS (RFC 7517): every key that verifies tokens now or after the next rotation. */
export function publicSet(set: StoredKeySet, now: Date): { keys: JWK[] } {
  return {
    keys: set.keys
      .filter((key) => isValid(key, now))
      .map(({ kty, crv, x, y, kid }) => ({ kty, crv, x, y, kid, use: "sig", alg: "ES256" })),
  };
}

/** The set without its private keys, for functions that only verify. */
export function publicHalves(set: StoredKeySet): StoredKeySet {
  return { ...set, keys: set.keys.map(({ d: _private, ...key }) => key) };
}

/** Parses a stored key set. @throws Error if it is invalid */
export function parseKeySet(value: unknown): StoredKeySet {
  return keySet.parse(value);
}
