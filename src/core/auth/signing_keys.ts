import { createECDH, createPublicKey } from "node:crypto";
import { type CryptoKey, exportJWK, generateKeyPair, importJWK, type JWK } from "jose";
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
import { DAY, HOUR, plusSeconds } from "#core/clock.ts";
import { json } from "#core/config.ts";
import { NestError } from "#core/errors.ts";

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
function isKeyPair({
  kty,
  crv,
  x,
  y,
  d,
}: {
  kty: "EC";
  crv: "P-256";
  x: string;
  y: string;
  d?: string | undefined;
}) {
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

export const signingKeyVariables = { SIGNING_KEYS: json(keySet) };

/** A new key must have been in the JWKS this long before it signs: caches are then past its first answer. */
const SERVED_BEFORE_USE_SECONDS = HOUR;

/** The longest life of anything we sign: an entitlement's 14 days, above any access token's 10. */
export const LONGEST_SIGNED_LIFE_SECONDS = 14 * DAY;

const stands = (key: StoredKey, now: Date) =>
  key.state !== "retired" ||
  (key.retired_at ? plusSeconds(new Date(key.retired_at), LONGEST_SIGNED_LIFE_SECONDS) > now : false);

/** The keys of this deployment, ready to sign and verify. */
export class SigningKeys {
  readonly #keys: readonly StoredKey[];
  readonly #imported = new Map<string, Promise<CryptoKey>>();

  constructor(set: StoredKeySet) {
    this.#keys = set.keys;
  }

  /** The public JWKS (RFC 7517): every key that verifies something or soon will. */
  publicSet(now: Date): { keys: JWK[] } {
    return {
      keys: this.#keys
        .filter((key) => stands(key, now))
        .map(({ kty, crv, x, y, kid }) => ({ kty, crv, x, y, kid, use: "sig", alg: "ES256" })),
    };
  }

  /**
   * The key that signs, with its `kid`.
   * @throws NestError unavailable if there is none here
   */
  async signer(): Promise<{ kid: string; key: CryptoKey }> {
    const current = this.#keys.find((key) => key.state === "current");
    if (!current?.d)
      throw new NestError("unavailable", { detail: "SIGNING_KEYS holds no private current key" });
    return { kid: current.kid, key: await this.#import(`sign:${current.kid}`, current) };
  }

  /** The public key of a `kid` that still stands, or null. */
  async verifier(kid: string | undefined, now: Date): Promise<CryptoKey | null> {
    const found = this.#keys.find((key) => key.kid === kid && stands(key, now));
    if (!found) return null;
    const { d: _private, ...publicKey } = found;
    return this.#import(`verify:${found.kid}`, publicKey);
  }

  #import(
    name: string,
    { kty, crv, x, y, d }: Omit<StoredKey, "d"> & { d?: string | undefined },
  ): Promise<CryptoKey> {
    let imported = this.#imported.get(name);
    if (!imported) {
      imported = importJWK(
        { kty, crv, x, y, ...(d === undefined ? {} : { d }) } as JWK,
        "ES256",
      ) as Promise<CryptoKey>;
      this.#imported.set(name, imported);
    }
    return imported;
  }
}

async function newKey(state: StoredKey["state"], now: Date): Promise<StoredKey> {
  const { privateKey } = await generateKeyPair("ES256", { extractable: true });
  const { x = "", y = "", d } = await exportJWK(privateKey);
  const kid = `${now.toISOString().slice(0, 10)}-${x.slice(0, 8)}`;
  return {
    kty: "EC",
    crv: "P-256",
    x,
    y,
    ...(d === undefined ? {} : { d }),
    kid,
    state,
    created_at: now.toISOString(),
    retired_at: null,
  };
}

/** A first set: one key that signs and one that is published for the first rotation. */
export async function generateKeySet(now: Date): Promise<StoredKeySet> {
  return { keys: [await newKey("current", now), await newKey("next", now)] };
}

/** Why a rotation was refused, in words for the person at the terminal. */
export class RotationRefused extends Error {}

/**
 * Promotes `next` to `current`, retires the old `current`, makes a new `next`, and drops retired keys whose last token
 * is over.
 * @throws RotationRefused if there is no `next` or it has been served for less than an hour
 */
export async function rotateKeySet(set: StoredKeySet, now: Date): Promise<StoredKeySet> {
  const next = set.keys.find((key) => key.state === "next");
  if (!next) throw new RotationRefused("There is no next key. Generate a key set first.");
  const usableAt = plusSeconds(new Date(next.created_at), SERVED_BEFORE_USE_SECONDS);
  if (usableAt > now) {
    throw new RotationRefused(
      `The next key has not been served for an hour yet. Rotate after ${usableAt.toISOString()}.`,
    );
  }
  const moved = set.keys.map((key): StoredKey => {
    if (key === next) return { ...key, state: "current" };
    if (key.state === "current") return { ...key, state: "retired", retired_at: now.toISOString() };
    return key;
  });
  return { keys: [...moved.filter((key) => stands(key, now)), await newKey("next", now)] };
}

/**
 * Takes a key out of use at once, as after a leak: it is no longer published, and what it signed is refused. If it was
 * the current one, `next` signs from now on, however short it has been served.
 * @throws RotationRefused if there is no such key, or none to sign in its place
 */
export async function retireKey(set: StoredKeySet, kid: string, now: Date): Promise<StoredKeySet> {
  const lost = set.keys.find((key) => key.kid === kid);
  if (!lost) throw new RotationRefused(`There is no key ${kid}.`);
  const kept = set.keys.filter((key) => key !== lost);
  if (lost.state === "retired") return { keys: kept };
  const fresh = await newKey("next", now);
  if (lost.state === "next") return { keys: [...kept, fresh] };
  const next = kept.find((key) => key.state === "next");
  if (!next)
    throw new RotationRefused("There is no next key to sign in its place. Generate a key set first.");
  return {
    keys: [...kept.map((key): StoredKey => (key === next ? { ...key, state: "current" } : key)), fresh],
  };
}

/** Reads a stored key set. @throws Error if it is not one */
export function parseKeySet(value: unknown): StoredKeySet {
  return keySet.parse(value);
}
