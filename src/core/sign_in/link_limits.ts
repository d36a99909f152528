import type { Call } from "#core/call.ts";
import type { Core } from "#core/core.ts";
import { networkOf } from "#core/network.ts";
import { type RateLimiter, refuseIfOver } from "#core/rate_limiter.ts";
import type { Device } from "#core/repositories/authorizations.ts";
import { hashSecret } from "#core/secrets.ts";
import type { Address } from "#core/users/address.ts";

/** The fleet ceiling is logged when it is reached, and refuses unknown devices at this multiple of it. */
const CEILING_REFUSAL_FACTOR = 10;

/** The facts of a link that the rate limits use. */
export interface LimitedLink {
  address: Address;
  device: Device | null;
  /** The device signed this address in before and is within its own limit, so the shared limits do not apply to it. */
  hasOwnLimit: boolean;
}

/**
 * Counts a link request against the limits of its network and device, and checks the limits of its address and of the
 * fleet without counting; one round trip. A device that signed this address in before has a limit of its own, so
 * strangers cannot exhaust it (contract 1.2).
 * @throws NestError rate_limited
 */
export async function countLinkRequest(
  core: Pick<Core, "identifiers"> & { rateLimiter: RateLimiter },
  address: Address,
  device: Device | null,
  call: Call,
): Promise<LimitedLink> {
  const network = networkOf(call.ip);
  const { rateLimiter } = core;
  const [identifier, ownDevice, perAddressAndNetwork, perNetwork, perAddress, mails] = await Promise.all([
    core.identifiers.findActive("email", address.identity),
    device ? rateLimiter.count("links_per_known_device", address.identity, device.beakId) : null,
    rateLimiter.count("links_per_address_and_network", address.identity, network),
    rateLimiter.count("links_per_network", network),
    rateLimiter.peek("links_per_address", address.identity),
    rateLimiter.peek("mails_per_hour", "fleet"),
  ]);
  const isKnown = device !== null && identifier?.knownDevices?.includes(hashSecret(device.beakId)) === true;
  const hasOwnLimit = isKnown && ownDevice !== null && ownDevice.ratio <= 1;
  if (!hasOwnLimit) {
    // A known device never waits longer than for its own limit.
    const longest = isKnown ? ownDevice?.retryAfterSeconds : undefined;
    refuseIfOver([perAddressAndNetwork, perNetwork, perAddress, refusalCeiling(mails)], longest);
  }
  return { address, device, hasOwnLimit };
}

const refusalCeiling = <Count extends { ratio: number }>(mails: Count) => ({
  ...mails,
  ratio: mails.ratio / CEILING_REFUSAL_FACTOR,
});

/**
 * Counts a link against the limits of its address and of the fleet; one round trip. Only a link that passed every other limit
 * is counted here, so refused requests of one network never use up an address's limit.
 * @throws NestError rate_limited
 */
export async function countLink(
  core: Pick<Core, "log"> & { rateLimiter: RateLimiter },
  { address, hasOwnLimit }: LimitedLink,
): Promise<void> {
  const [perAddress, mails] = await Promise.all([
    core.rateLimiter.count("links_per_address", address.identity),
    core.rateLimiter.count("mails_per_hour", "fleet"),
  ]);
  if (mails.ratio > 1)
    core.log.warn("mail_ceiling_passed", {
      ratio: Number(mails.ratio.toFixed(2)),
      known_device: hasOwnLimit,
    });
  if (hasOwnLimit) return;
  try {
    refuseIfOver([perAddress, refusalCeiling(mails)]);
  } catch (refusal) {
    await releaseSharedLimits(core, address);
    throw refusal;
  }
}

/**
 * Releases the counts of a link, because it could not be mailed and the user will request another. The network's
 * hourly count stays: otherwise mails that SES refuses could be requested without limit.
 * @param mayBeSent SES may have sent the mail although the request failed: the address's daily count stays too
 */
export async function releaseLink(
  core: { rateLimiter: RateLimiter },
  { address, device }: LimitedLink,
  mayBeSent: boolean,
  call: Call,
): Promise<void> {
  const { rateLimiter } = core;
  await Promise.all([
    rateLimiter.release("links_per_address_and_network", address.identity, networkOf(call.ip)),
    device ? rateLimiter.release("links_per_known_device", address.identity, device.beakId) : null,
    mayBeSent ? null : releaseSharedLimits(core, address),
  ]);
}

async function releaseSharedLimits(
  { rateLimiter }: { rateLimiter: RateLimiter },
  address: Address,
): Promise<void> {
  await Promise.all([
    rateLimiter.release("links_per_address", address.identity),
    rateLimiter.release("mails_per_hour", "fleet"),
  ]);
}
