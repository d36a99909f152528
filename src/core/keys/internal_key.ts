import { pipe, refine, string, transform } from "zod/mini";
import { secret } from "#core/config.ts";
import { constantTimeEqual, hashSecret } from "#core/secrets.ts";

/** Keys that were published as samples: refused as configuration. */
const PUBLISHED_SAMPLES = ["", "test", "secret", "internal", "internal_key", "changeme"].map(hashSecret);

const hashesOf = (value: string) => value.split(",").map((hash) => hash.trim());

/** SHA-256 hashes of the internal keys in hex, comma-separated. Several can be valid, so that a key can be rotated. */
export const internalKeyVariables = {
  INTERNAL_KEYS: secret(
    pipe(
      string().check(
        refine((value) =>
          hashesOf(value).every((hash) => /^[0-9a-f]{64}$/.test(hash) && !PUBLISHED_SAMPLES.includes(hash)),
        ),
      ),
      transform(hashesOf),
    ),
  ),
};

/** Checks a presented key against all configured hashes, in constant time. */
export function isInternalKey(presented: string, hashes: readonly string[]): boolean {
  const hash = hashSecret(presented);
  return hashes.map((configured) => constantTimeEqual(hash, configured)).includes(true);
}
