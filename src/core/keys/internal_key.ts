import { pipe, refine, string, transform } from "zod/mini";
import { secret } from "#core/config.ts";
import { constantTimeEqual, hashSecret } from "#core/secrets.ts";

/** Words that were published as sample keys; they open nothing anywhere. */
const PUBLISHED_SAMPLES = ["", "test", "secret", "internal", "internal_key", "changeme"].map(hashSecret);

const hashesOf = (value: string) => value.split(",").map((hash) => hash.trim());

/** SHA-256 hashes in hex, comma-separated; several, so that a key can be rotated. */
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

/** Whether a presented key is one of the configured ones. Takes the same time whichever it is. */
export function isInternalKey(presented: string, hashes: readonly string[]): boolean {
  const hash = hashSecret(presented);
  return hashes.map((configured) => constantTimeEqual(hash, configured)).includes(true);
}
