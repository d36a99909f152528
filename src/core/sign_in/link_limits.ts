import type { Call } from "#core/call.ts";
import type { Core } from "#core/core.ts";
import { networkOf } from "#core/network.ts";
import { type RateLimiter, refuseIfOver } from "#core/rate_limiter.ts";
import type { Device } from "#core/repositories/authorizations.ts";
import { hashSecret } from "#core/secrets.ts";
import type { Address } from "#core/users/address.ts";

/** A link that somebody asked for, as far as limits are concerned. */
export interface LimitedLink {
  address: Address;
  device: Device | null;
  /** The machine signed this address in before and is within its own limit: what strangers share does not bind it. */
  isOwnMachine: boolean;
}

/**
 * Counts a request for a link against what its network and its machine may ask for, and looks at what its address and
 * the fleet have left; one trip. A machine that signed this address in before has a limit of its own, so that strangers
 * can't use up its owner's (contract 1.2).
 * @throws NestError rate_limited
 */
export async function requireLinkAllowed(
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
  const isOwnMachine = isKnown && ownDevice !== null && ownDevice.ratio <= 1;
  if (!isOwnMachine) {
    // Where only strangers' requests are in the way, the machine's own limit opens again first.
    const longest = isKnown ? ownDevice?.retryAfterSeconds : undefined;
    refuseIfOver([perAddressAndNetwork, perNetwork, perAddress, tenTimes(mails)], longest);
  }
  return { address, device, isOwnMachine };
}

/** The fleet's ceiling warns at its size and refuses at ten times that. */
const tenTimes = <Count extends { ratio: number }>(mails: Count) => ({ ...mails, ratio: mails.ratio / 10 });

/**
 * Counts a link against what its address and the fleet may have. Only a link that nothing else refuses is counted here:
 * what one network asks for in vain must not look used up to others, not for a moment.
 * @throws NestError rate_limited
 */
export async function takeLink(
  core: Pick<Core, "log"> & { rateLimiter: RateLimiter },
  { address, isOwnMachine }: LimitedLink,
): Promise<void> {
  const [perAddress, mails] = await Promise.all([
    core.rateLimiter.count("links_per_address", address.identity),
    core.rateLimiter.count("mails_per_hour", "fleet"),
  ]);
  if (mails.ratio > 1)
    core.log.warn("mail_ceiling_passed", {
      ratio: Number(mails.ratio.toFixed(2)),
      known_device: isOwnMachine,
    });
  if (isOwnMachine) return;
  try {
    refuseIfOver([perAddress, tenTimes(mails)]);
  } catch (refusal) {
    await giveShared(core, address);
    throw refusal;
  }
}

/**
 * Takes back what a link was counted as that could not be mailed, so that its person can ask again. The network's hour
 * keeps it, or what SES refuses could be asked for without end.
 * @param mayHaveGone the mail may have gone out all the same: then it stays one of its address's day
 */
export async function giveLinkBack(
  core: { rateLimiter: RateLimiter },
  { address, device }: LimitedLink,
  mayHaveGone: boolean,
  call: Call,
): Promise<void> {
  const { rateLimiter } = core;
  await Promise.all([
    rateLimiter.release("links_per_address_and_network", address.identity, networkOf(call.ip)),
    device ? rateLimiter.release("links_per_known_device", address.identity, device.beakId) : null,
    mayHaveGone ? null : giveShared(core, address),
  ]);
}

async function giveShared({ rateLimiter }: { rateLimiter: RateLimiter }, address: Address): Promise<void> {
  await Promise.all([
    rateLimiter.release("links_per_address", address.identity),
    rateLimiter.release("mails_per_hour", "fleet"),
  ]);
}
