import { generateKeySet } from "#core/keys/key_rotation.ts";
import { hashSecret, newSecret } from "#core/secrets.ts";
import { WHOLE_KEYS } from "#tools/stage/config/check_stage.ts";

/** Generators of the random secrets that nobody has to see. */
export const SECRET_GENERATORS: Readonly<Record<string, () => string | Promise<string>>> = {
  [WHOLE_KEYS]: async () => JSON.stringify(await generateKeySet(new Date())),
  REFRESH_KEYS: () => JSON.stringify([{ id: "1", key: newSecret() }]),
  PASSWORD_PEPPERS: () => JSON.stringify([{ id: "1", key: newSecret() }]),
  FACTOR_KEYS: () => JSON.stringify([{ id: "1", key: newSecret() }]),
  WEBHOOK_KEYS: () => JSON.stringify([{ id: "1", key: newSecret() }]),
  RATE_LIMIT_KEY: newSecret,
  // The hash of a key that is thrown away: there is no internal caller until one is added.
  // No secret yet: a client's CAPTCHA refuses every call until its secret is put.
  CAPTCHA_SECRETS: () => "{}",
  // No provider can be used until its credentials are put.
  OAUTH_CREDENTIALS: () => "{}",
  INTERNAL_KEYS: () => hashSecret(newSecret()),
};
