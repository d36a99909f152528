import type { Core } from "#core/core.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import { hashSecret } from "#core/secrets.ts";

/** Remembers a device that signed in with an identifier, unless it is known. */
export async function rememberDevice(
  core: Pick<Core, "identifiers">,
  { _id, knownDevices }: Identifier,
  beakId: string,
): Promise<void> {
  const hash = hashSecret(beakId);
  if (knownDevices?.includes(hash)) return;
  await core.identifiers.rememberDevice(_id, hash);
}
