import type { Core } from "#core/core.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import { hashSecret } from "#core/secrets.ts";

/**
 * Remembers a device that signed in with an identifier, unless it is known.
 * @param isProof whether the sign-in proves the identifier. One that does not, such as a password, may be a stranger's while
 *   nobody has proved the identifier: if its owner does so meanwhile, the device is not remembered
 */
export async function rememberDevice(
  core: Pick<Core, "identifiers">,
  { _id, knownDevices, verifiedAt }: Identifier,
  { beakId, isProof }: { beakId: string; isProof: boolean },
): Promise<void> {
  const hash = hashSecret(beakId);
  if (knownDevices?.includes(hash)) return;
  await core.identifiers.rememberDevice(_id, hash, !isProof && verifiedAt === null);
}
