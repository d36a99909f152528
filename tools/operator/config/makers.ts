import { generateKeySet } from "#core/keys/key_rotation.ts";
import { hashSecret, newSecret } from "#core/secrets.ts";
import { WHOLE_KEYS } from "#tools/stage/config/check_stage.ts";

/** Secrets that nobody hands us: they are random, and nobody needs to see them. */
export const MAKERS: Readonly<Record<string, () => string | Promise<string>>> = {
  [WHOLE_KEYS]: async () => JSON.stringify(await generateKeySet(new Date())),
  REFRESH_KEYS: () => JSON.stringify([{ id: "1", key: newSecret() }]),
  RATE_LIMIT_KEY: newSecret,
  // The hash of a key that nobody has: there is no internal caller until one is added.
  INTERNAL_KEYS: () => hashSecret(newSecret()),
};
