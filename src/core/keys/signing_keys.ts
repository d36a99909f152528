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
 * `next` is published ahead of its use, `current` signs, `retired` still verifies what it signed (contract 1.2).
 */
const signingKey = looseObject({
  kty: literal("EC"),
  crv: literal("P-256"),
  kid: string(),
  x: string(),
  y: string(),
  /** The private half; absent where a function only verifies. */
  d: optional(string()),
  /** A key that says so of itself is for something else (RFC 7517 sections 4.2 to 4.4). */
  alg: optional(literal("ES256")),
  use: optional(literal("sig")),
  key_ops: optional(array(oneOf(["sign", "verify"]))),
  state: oneOf(["next", "current", "retired"]),
  created_at: iso.datetime({ offset: true }),
  retired_at: nullish(iso.datetime({ offset: true })),
});

/** Whether the point is one of P-256, and the private half, if it is there, is that point's. */
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

/** For functions that verify: the set need not hold a private half. */
export const verifyingKeyVariables = { SIGNING_KEYS: published(json(keySet), "SIGNING_KEYS_PUBLIC") };

/** For functions that sign: the same set with its private halves. */
export const signerVariables = { SIGNING_KEYS: secret(json(keySet)) };

/** The longest life of anything we sign: an entitlement's 14 days, above any access token's 10. */
export const LONGEST_SIGNED_LIFE_SECONDS = 14 * DAY;

/** Whether a key still verifies what it signed. */
export const stands = (key: StoredKey, now: Date) =>
  key.state !== "retired" ||
  (key.retired_at ? plusSeconds(new Date(key.retired_at), LONGEST_SIGNED_LIFE_SECONDS) > now : false);

/** The public JWKS (RFC 7517): every key that verifies something or soon will. */
export function publicSet(set: StoredKeySet, now: Date): { keys: JWK[] } {
  return {
    keys: set.keys
      .filter((key) => stands(key, now))
      .map(({ kty, crv, x, y, kid }) => ({ kty, crv, x, y, kid, use: "sig", alg: "ES256" })),
  };
}

/** The set without its private halves, as functions that only verify get it. */
export function publicHalves(set: StoredKeySet): StoredKeySet {
  return { ...set, keys: set.keys.map(({ d: _private, ...key }) => key) };
}

/** Reads a stored key set. @throws Error if it is not one */
export function parseKeySet(value: unknown): StoredKeySet {
  return keySet.parse(value);
}
