import type { Call } from "#core/call.ts";
import type { Core } from "#core/core.ts";
import { networkOf } from "#core/network.ts";
import { type RateLimiter, refuseIfOver } from "#core/rate_limiter.ts";
import type { Device } from "#core/repositories/authorizations.ts";
import { hashSecret } from "#core/secrets.ts";
import type { Address } from "#core/users/address.ts";

/**
 * Counts a request for a link against every limit, in one trip. A machine that signed this address in before has a
 * limit of its own, so that strangers can't use up its owner's (contract 1.2).
 * @throws NestError rate_limited
 */
export async function requireLinkAllowed(
  core: Pick<Core, "identifiers" | "log"> & { rateLimiter: RateLimiter },
  address: Address,
  device: Device | null,
  call: Call,
): Promise<void> {
  const network = networkOf(call.ip);
  const { rateLimiter } = core;
  const [identifier, perNetworkAndAddress, perAddress, perNetwork, ownDevice, mails] = await Promise.all([
    core.identifiers.findActive("email", address.identity),
    rateLimiter.count("links_per_address_and_network", address.identity, network),
    rateLimiter.count("links_per_address", address.identity),
    rateLimiter.count("links_per_network", network),
    device ? rateLimiter.count("links_per_known_device", address.identity, device.beakId) : null,
    rateLimiter.count("mails_per_hour", "fleet"),
  ]);
  const isKnown = device !== null && identifier?.knownDevices?.includes(hashSecret(device.beakId)) === true;
  if (mails.ratio > 1)
    core.log.warn("mail_ceiling_passed", { ratio: Number(mails.ratio.toFixed(2)), known_device: isKnown });
  if (isKnown && ownDevice && ownDevice.ratio <= 1) return;
  try {
    refuseIfOver([perNetworkAndAddress, perAddress, perNetwork, { ...mails, ratio: mails.ratio / 10 }]);
  } catch (refusal) {
    // What many share must not be used up by requests that sent nothing.
    await Promise.all([
      rateLimiter.giveBack("links_per_address", address.identity),
      rateLimiter.giveBack("mails_per_hour", "fleet"),
    ]);
    throw refusal;
  }
}
