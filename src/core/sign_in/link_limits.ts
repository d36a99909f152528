import type { Call } from "#core/call.ts";
import type { Core } from "#core/core.ts";
import { networkOf } from "#core/network.ts";
import { type Count, type Limited, type RateLimiter, refuseIfOver } from "#core/rate_limiter.ts";
import type { Device } from "#core/repositories/authorizations.ts";
import { hashSecret } from "#core/secrets.ts";
import { type Address, mailboxOf } from "#core/users/address.ts";

/** The fleet ceiling is logged when it is reached, and refuses unknown devices at this multiple of it. */
const CEILING_REFUSAL_FACTOR = 10;

/** The limits of one link request, each with its subject. */
export interface LinkLimits {
  addressAndNetwork: Limited;
  address: Limited;
  afterDailyLimit: Limited;
  network: Limited;
  device: Limited | null;
  fleet: Limited;
}

/** A link request, as far as the rate limits are concerned. */
export interface LimitedLink {
  limits: LinkLimits;
  /** The device signed this address in before and is within its own limit, so the shared limits do not apply to it. */
  hasOwnLimit: boolean;
}

/** A request for a link before its limits were checked. */
export interface LinkAttempt {
  address: Address;
  device: Device | null;
  call: Call;
  /** Further limits, which apply to every device. The request is checked against them and not counted. */
  further: readonly Limited[];
}

/**
 * The limits of a request. The limits of an address are those of its mailbox, so `victim+1@` and `victim+2@` share
 * them.
 */
function limitsOf({ address, device, call }: LinkAttempt): LinkLimits {
  const mailbox = mailboxOf(address);
  const network = networkOf(call.ip);
  return {
    addressAndNetwork: ["links_per_address_and_network", mailbox, network],
    address: ["links_per_address", mailbox],
    afterDailyLimit: ["links_after_daily_limit", mailbox],
    network: ["links_per_network", network],
    device: device && ["links_per_known_device", mailbox, device.beakId],
    fleet: ["mails_per_hour", "fleet"],
  };
}

/**
 * Checks a link request against every limit; one round trip and three commands, so a refused request costs no more
 * (contract 1.7). It first counts the request against the limit of its address and network, and against no other limit.
 * So one network can use up only that much of the limits that it shares with others. A device that signed in to this
 * address before has a limit of its own, which strangers can't use up.
 * @throws NestError rate_limited
 */
export async function checkLinkLimits(
  core: Pick<Core, "identifiers"> & { rateLimiter: RateLimiter },
  attempt: LinkAttempt,
): Promise<LimitedLink> {
  const { address, device, further } = attempt;
  const limits = limitsOf(attempt);
  const { rateLimiter } = core;
  const shared = [limits.address, limits.afterDailyLimit, limits.network, limits.fleet];
  const [identifier, addressAndNetwork, peeked] = await Promise.all([
    core.identifiers.findActive("email", address.identity),
    rateLimiter.count(...limits.addressAndNetwork),
    rateLimiter.peek([...shared, ...further, ...(limits.device ? [limits.device] : [])]),
  ]);
  const [day, hour, network, fleet] = peeked as [Count, Count, Count, Count];
  refuseIfOver(peeked.slice(shared.length, shared.length + further.length));
  const isKnown = device !== null && identifier?.knownDevices?.includes(hashSecret(device.beakId)) === true;
  const own = isKnown ? peeked.at(-1) : undefined;
  const hasOwnLimit = own !== undefined && own.ratio <= 1;
  if (!hasOwnLimit) {
    const counts = [addressAndNetwork, network, ofAddress(day, hour), refusalCeiling(fleet)];
    // A known device never waits longer than for its own limit.
    refuseIfOver(counts, own?.retryAfterSeconds);
  }
  return { limits, hasOwnLimit };
}

/**
 * An address above its daily limit still gets one link an hour, so that nobody is locked out for longer (contract 1.7).
 */
const ofAddress = (day: Count, hour: Count) => (day.ratio > 1 ? hour : day);

const refusalCeiling = (fleet: Count) => ({ ...fleet, ratio: fleet.ratio / CEILING_REFUSAL_FACTOR });

/** The limits against which a link was counted. */
export interface CountedLink {
  address: readonly Limited[];
  isFleetCounted: boolean;
}

/**
 * Counts a link when it is stored; one round trip. This count decides, so simultaneous requests get no more links than
 * sequential requests. A known device within its own limit is counted against that limit instead of its address's, with
 * the same number of commands.
 * @returns what was counted, for `releaseLink`
 * @throws NestError rate_limited; then only the count against the limit of its address and network stays
 */
export async function countLink(
  core: Pick<Core, "log"> & { rateLimiter: RateLimiter },
  { limits, hasOwnLimit }: LimitedLink,
): Promise<CountedLink> {
  const { rateLimiter, log } = core;
  const [network, address, fleet] = await Promise.all([
    rateLimiter.count(...limits.network),
    hasOwnLimit && limits.device
      ? countAddressOrDevice(rateLimiter, limits.device, limits)
      : countAddress(rateLimiter, limits),
    rateLimiter.countSampled(...limits.fleet),
  ]);
  if (fleet && fleet.ratio > 1)
    log.warn("mail_ceiling_passed", { ratio: Number(fleet.ratio.toFixed(2)), known_device: hasOwnLimit });
  const counted = { address: address.limited, isFleetCounted: fleet !== null };
  try {
    refuseIfOver(address.isOwn ? [] : [network, address.count]);
    return counted;
  } catch (refusal) {
    await Promise.all([rateLimiter.release(...limits.network), releaseCounted(rateLimiter, limits, counted)]);
    throw refusal;
  }
}

/** A link's count against the limits of its address, or against that of its device. */
interface AddressCount {
  isOwn: boolean;
  count: Count;
  limited: readonly Limited[];
}

async function countAddressOrDevice(
  rateLimiter: RateLimiter,
  device: Limited,
  limits: LinkLimits,
): Promise<AddressCount> {
  const count = await rateLimiter.count(...device);
  // Simultaneous requests of the device used up its limit after it was checked.
  return count.ratio > 1 ? countAddress(rateLimiter, limits) : { isOwn: true, count, limited: [device] };
}

async function countAddress(
  rateLimiter: RateLimiter,
  { address, afterDailyLimit }: LinkLimits,
): Promise<AddressCount> {
  const day = await rateLimiter.count(...address);
  if (day.ratio <= 1) return { isOwn: false, count: day, limited: [address] };
  return {
    isOwn: false,
    count: await rateLimiter.count(...afterDailyLimit),
    limited: [address, afterDailyLimit],
  };
}

async function releaseCounted(
  rateLimiter: RateLimiter,
  { fleet }: LinkLimits,
  { address, isFleetCounted }: CountedLink,
): Promise<void> {
  await Promise.all([
    ...address.map((limited) => rateLimiter.release(...limited)),
    isFleetCounted ? rateLimiter.releaseSampled(...fleet) : null,
  ]);
}

/**
 * Releases the counts of a link, because it could not be mailed and the user will request another. The network's
 * hourly count stays: otherwise mails that SES refuses could be requested without limit.
 * @param mayBeSent SES may have sent the mail although the request failed: the counts of the address stay too
 */
export async function releaseLink(
  { rateLimiter }: { rateLimiter: RateLimiter },
  { limits, counted }: LimitedLink & { counted: CountedLink },
  mayBeSent: boolean,
): Promise<void> {
  await Promise.all([
    rateLimiter.release(...limits.addressAndNetwork),
    mayBeSent ? null : releaseCounted(rateLimiter, limits, counted),
  ]);
}
