import { exportJWK, generateKeyPair } from "jose";
import { HOUR, plusSeconds } from "#core/clock.ts";
import { isValid, type StoredKey, type StoredKeySet } from "#core/keys/signing_keys.ts";

/** A key must be in the JWKS this long before it signs, so that no cache holds a JWKS without it. */
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

/** Creates a key set with two keys: `current` signs, and `next` is published for the first rotation. */
export async function generateKeySet(now: Date): Promise<StoredKeySet> {
  return { keys: [await newKey("current", now), await newKey("next", now)] };
}

/** A rotation was refused; the message is shown in the terminal. */
export class RotationRefused extends Error {}

/**
 * Rotates a key set: `next` becomes `current`, the old `current` is retired and loses its private key, a new `next` is
 * created, and retired keys are removed once every token they signed has expired.
 * @throws RotationRefused if there is no `next` key, or it has been published for less than an hour
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
  const rotated = set.keys.map((key): StoredKey => {
    if (key === next) return { ...key, state: "current" };
    if (key.state !== "current") return key;
    const { d: _private, ...publicKey } = key;
    return { ...publicKey, state: "retired", retired_at: now.toISOString() };
  });
  return { keys: [...rotated.filter((key) => isValid(key, now)), await newKey("next", now)] };
}

/**
 * Removes a key at once, for example after a leak: it is no longer published, and tokens that it signed are refused. If it
 * was the current key, `next` signs from now on, however short it has been published.
 * @throws RotationRefused if there is no such key, or no key to replace it
 */
export async function retireKey(set: StoredKeySet, kid: string, now: Date): Promise<StoredKeySet> {
  const removed = set.keys.find((key) => key.kid === kid);
  if (!removed)
    throw new RotationRefused(`No key ${kid}. Keys in use: ${set.keys.map((key) => key.kid).join(", ")}.`);
  const kept = set.keys.filter((key) => key !== removed);
  if (removed.state === "retired") return { keys: kept };
  const fresh = await newKey("next", now);
  if (removed.state === "next") return { keys: [...kept, fresh] };
  const next = kept.find((key) => key.state === "next");
  if (!next)
    throw new RotationRefused("There is no next key that could replace it. Generate a key set first.");
  return {
    keys: [...kept.map((key): StoredKey => (key === next ? { ...key, state: "current" } : key)), fresh],
  };
}
