import { secret } from "#core/config.ts";
import { SealingKeys, sealingKeyList } from "#core/keys/sealing_keys.ts";

/** Keys that encrypt the seeds of authenticator apps. The first encrypts; the others decrypt what they encrypted before. */
export const factorKeyVariables = { FACTOR_KEYS: secret(sealingKeyList) };

/** Encrypts the seeds of authenticator apps, so that a copy of the database alone computes no codes. The owner is the user. */
export class FactorKeys extends SealingKeys {
  constructor(keys: readonly { id: string; key: string }[]) {
    super("FACTOR_KEYS", keys);
  }
}
