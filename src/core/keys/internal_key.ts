import { array, minLength, optional, pipe, refine, regex, strictObject, string, transform } from "zod/mini";
import { json, localOnly, secret } from "#core/config.ts";
import { constantTimeEqual, hashSecret } from "#core/secrets.ts";

/** A key of an internal caller (contract 1.7, Operations). */
export interface InternalKey {
  /** Names the caller in the log and to operators. */
  name: string;
  /** SHA-256 of the key, hex. */
  hash: string;
  /** The methods that the caller may call, at every date. Undefined: all methods. */
  methods?: readonly string[] | undefined;
}

/** Keys that were published as samples: refused as configuration. */
const PUBLISHED_SAMPLES = ["", "test", "secret", "internal", "internal_key", "changeme"].map(hashSecret);
/**
 * A key without a name is named by this many characters of its hash. They reveal nothing: a key has 256 random bits.
 */
const ID_LENGTH = 8;

/** A key's name is written to the log and typed in a terminal. */
export const KEY_NAME = /^[a-z0-9][a-z0-9_-]{0,39}$/;

const internalKey = strictObject({
  name: string().check(regex(KEY_NAME)),
  hash: string().check(
    regex(/^[0-9a-f]{64}$/),
    refine((hash) => !PUBLISHED_SAMPLES.includes(hash)),
  ),
  methods: optional(array(string().check(regex(/^[a-z][a-z0-9_]*$/))).check(minLength(1))),
});

/**
 * The internal callers' keys. Several can be valid, so that a key can be rotated. The value is a JSON array, or the
 * format of earlier versions: comma-separated hashes, each of a key that may call every method.
 */
export const internalKeyVariables = {
  INTERNAL_KEYS: secret(
    pipe(
      pipe(string(), transform(asJson)),
      json(array(internalKey).check(minLength(1), refine(haveUniqueNamesAndHashes))),
    ),
  ),
};

function asJson(value: string): string {
  if (value.trim().startsWith("[")) return value;
  const hashes = new Set(value.split(",").map((hash) => hash.trim()));
  return JSON.stringify([...hashes].map((hash) => ({ name: nameOf(hash), hash })));
}

/** The internal key that adapters of the local stack present for callers without a credential. */
export const localKeyVariables = { LOCAL_INTERNAL_KEY: localOnly(optional(string())) };

/** Returns the name of a key without a name. */
export const nameOf = (hash: string): string => hash.slice(0, ID_LENGTH);

function haveUniqueNamesAndHashes(keys: readonly InternalKey[]): boolean {
  const count = (values: string[]) => new Set(values).size;
  return count(keys.map(({ name }) => name)) + count(keys.map(({ hash }) => hash)) === 2 * keys.length;
}

/** Finds the key that a caller presented, or null. Compares it with all configured hashes, in constant time. */
export function findInternalKey(presented: string, keys: readonly InternalKey[]): InternalKey | null {
  const hash = hashSecret(presented);
  const matches = keys.map((key) => constantTimeEqual(hash, key.hash));
  return keys[matches.indexOf(true)] ?? null;
}

/** Whether a key permits calls of a method. */
export function permits({ methods }: Pick<InternalKey, "methods">, method: string): boolean {
  return methods === undefined || methods.includes(method);
}
