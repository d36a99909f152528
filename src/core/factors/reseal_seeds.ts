import type { Core } from "#core/core.ts";
import type { FactorKeys } from "#core/mfa/factor_keys.ts";

/**
 * Encrypts the seeds of all authenticator apps with the newest key, so that the older keys can be dropped. It can be stopped and
 * run again. Sign-ins go on meanwhile: a function with both keys reads either encryption.
 * @returns how many seeds have another encryption now
 * @throws NestError unavailable if the key of a seed is missing; the seeds before it have their new encryption
 */
export async function resealSeeds(
  core: Pick<Core, "mfaFactors"> & { factorKeys: FactorKeys },
): Promise<{ resealed: number }> {
  let resealed = 0;
  for await (const stored of core.mfaFactors.allSeeds()) {
    if (core.factorKeys.isNewest(stored.seed)) continue;
    const seed = core.factorKeys.open(stored.userId, stored.seed);
    if (await core.mfaFactors.replaceSeed(stored, core.factorKeys.seal(stored.userId, seed))) resealed++;
  }
  return { resealed };
}
