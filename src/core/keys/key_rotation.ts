import { exportJWK, generateKeyPair } from "jose";
import { HOUR, plusSeconds } from "#core/clock.ts";
import { type StoredKey, type StoredKeySet, stands } from "#core/keys/signing_keys.ts";

/** A new key must have been in the JWKS this long before it signs: caches are then past its first answer. */
const SERVED_BEFORE_USE_SECONDS = HOUR;

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
 * Promotes `next` to `current`, retires the old `current`, which loses its private half, makes a new `next`, and drops
 * retired keys whose last token is over.
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
    if (key.state !== "current") return key;
    const { d: _signsNoMore, ...publicKey } = key;
    return { ...publicKey, state: "retired", retired_at: now.toISOString() };
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
