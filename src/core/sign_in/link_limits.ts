import type { Call } from "#core/call.ts";
import type { Core } from "#core/core.ts";
import { networkOf } from "#core/network.ts";
import type { LimitGroup, Subject } from "#core/rate_limits/limits.ts";
import type { RateLimiter } from "#core/rate_limits/rate_limiter.ts";
import { ALLOWED, refuseIfOver, type Verdict } from "#core/rate_limits/verdict.ts";
import type { Device } from "#core/repositories/authorizations.ts";
import type { WindowLimit } from "#core/repositories/window_pipeline.ts";
import { hashSecret } from "#core/secrets.ts";
import { type Address, mailboxOf } from "#core/users/address.ts";

/** The fleet ceiling is logged when it is reached, and refuses unknown devices at this multiple of it. */
const CEILING_REFUSAL_FACTOR = 10;

const FLEET: Subject = ["mails_per_hour", "fleet"];
const FLEET_LINKS: LimitGroup = [[["mails_per_hour"]]];
const NETWORK_LINKS: LimitGroup = [[["links_per_network"]]];
const TRIAL_REQUESTS: LimitGroup = [[["trial_requests_per_network"]]];

/** A request for a link before its limits were checked. */
export interface LinkAttempt {
  address: Address;
  device: Device | null;
  call: Call;
  /** The link opens a trial. Then the limit of trial requests applies too, and to every device. */
  isTrial: boolean;
}

/** A request that its limits allow. */
export interface LimitedLink {
  /** The mailbox: its document counted the request. */
  mailbox: Subject;
  /** The windows of the mailbox that counted the request, for `releaseLink`. */
  counted: readonly WindowLimit[];
  /** The shared limits refused the request, and the device's own limit allowed it. */
  isByOwnLimit: boolean;
}

/** The limits of one link request, with the subjects whose documents count them. */
interface LinkLimits {
  /** `victim+1@` and `victim+2@` share the limits of one mailbox. */
  mailbox: Subject;
  links: LimitGroup;
  /** The limit of the device, if it is known to the address. */
  own: LimitGroup;
  network: Subject;
}

function limitsOf({ address, device, call }: LinkAttempt): LinkLimits {
  const network = networkOf(call.ip);
  return {
    mailbox: ["links_per_address", mailboxOf(address)],
    // An address above its daily limit still gets one link an hour, so nobody is locked out for longer (contract 1.7).
    links: [
      [["links_per_address_and_network", network]],
      [["links_per_address"], ["links_after_daily_limit"]],
    ],
    own: device ? [[["links_per_known_device", device.beakId]]] : [],
    network: ["links_per_network", network],
  };
}

type LimitCore = Pick<Core, "identifiers"> & { rateLimiter: RateLimiter };

/**
 * Counts a link request against its limits; one round trip and two commands. The windows of a mailbox are in one
 * document, which counts the request in all of them or in none: one network can use up only its part of the links of an
 * address, simultaneous requests get no more links than sequential requests, and a refused request has nothing to
 * release. If these limits refuse the request, a device that signed in to this address before has a limit of its own,
 * which strangers can't use up. A refused request takes at most 3 commands (contract 1.7).
 * @throws NestError rate_limited
 */
export async function countLinkRequest(core: LimitCore, attempt: LinkAttempt): Promise<LimitedLink> {
  const limits = limitsOf(attempt);
  const { mailbox } = limits;
  const { trial, shared, counted, own } = await countShared(core.rateLimiter, limits, attempt.isTrial);
  refuseIfOver([trial]);
  if (shared.every(({ isAllowed }) => isAllowed)) return { mailbox, counted, isByOwnLimit: false };
  // A full window of the device shows that the device is known.
  if (!own.isAllowed) refuseIfOver(shared, own.retryAfterSeconds);
  if (!(await isKnownDevice(core, attempt))) refuseIfOver(shared);
  const { verdicts } = await core.rateLimiter.count(mailbox, [limits.own]);
  const [byDevice = ALLOWED] = verdicts;
  // Simultaneous requests of the device used up its limit. It never waits longer than for its own limit.
  if (!byDevice.isAllowed) refuseIfOver(shared, byDevice.retryAfterSeconds);
  return { mailbox, counted: [...counted, ...byDevice.counted], isByOwnLimit: true };
}

interface SharedVerdicts {
  trial: Verdict;
  /** The verdicts of the limits that every device shares. */
  shared: readonly Verdict[];
  /** The windows of the mailbox that counted the request. */
  counted: readonly WindowLimit[];
  /** Whether the device's window has room, as far as it is counted already. */
  own: Verdict;
}

/**
 * Counts the request against the limits that every device shares. While this instance knows that the network or the
 * fleet has no room, the mailbox does not count the request: strangers must not use up the limits of many addresses with
 * requests that are refused.
 */
async function countShared(
  rateLimiter: RateLimiter,
  { mailbox, links, own, network }: LinkLimits,
  isTrial: boolean,
): Promise<SharedVerdicts> {
  const ceiling = rateLimiter.recall(FLEET, FLEET_LINKS) ?? ALLOWED;
  const isHopeless = !ceiling.isAllowed || rateLimiter.recall(network, NETWORK_LINKS) !== null;
  const [ofNetwork, ofMailbox] = await Promise.all([
    rateLimiter.count(network, isTrial ? [NETWORK_LINKS, TRIAL_REQUESTS] : [NETWORK_LINKS]),
    isHopeless ? null : rateLimiter.count(mailbox, [links], own),
  ]);
  const [byNetwork = ALLOWED, trial = ALLOWED] = ofNetwork.verdicts;
  const [byMailbox = ALLOWED] = ofMailbox?.verdicts ?? [];
  return {
    trial,
    shared: [ceiling, byNetwork, byMailbox],
    counted: byMailbox.counted,
    own: ofMailbox?.room ?? ALLOWED,
  };
}

async function isKnownDevice({ identifiers }: LimitCore, { address, device }: LinkAttempt): Promise<boolean> {
  if (device === null) return false;
  const identifier = await identifiers.findActive("email", address.identity);
  return identifier?.knownDevices?.includes(hashSecret(device.beakId)) === true;
}

/**
 * Counts a stored link against the ceiling of the fleet, which is sampled; no command for most calls.
 * @returns whether this call wrote the count
 */
export async function countMail(
  { rateLimiter, log }: Pick<Core, "log"> & { rateLimiter: RateLimiter },
  { isByOwnLimit }: LimitedLink,
): Promise<boolean> {
  const ratio = await rateLimiter.countSampled(FLEET, CEILING_REFUSAL_FACTOR);
  if (ratio !== null && ratio > 1)
    log.warn("mail_ceiling_passed", { ratio: Number(ratio.toFixed(2)), known_device: isByOwnLimit });
  return ratio !== null;
}

/**
 * Releases the counts of a link, because it could not be mailed and the user will request another. The network's
 * hourly count stays: otherwise mails that SES refuses could be requested without limit.
 * @param mayBeSent SES may have sent the mail although the request failed: the counts of the address stay too
 */
export async function releaseLink(
  { rateLimiter }: { rateLimiter: RateLimiter },
  { mailbox, counted, isFleetCounted }: LimitedLink & { isFleetCounted: boolean },
  mayBeSent: boolean,
): Promise<void> {
  const released = mayBeSent
    ? counted.filter(({ limit }) => limit === "links_per_address_and_network")
    : counted;
  await Promise.all([
    rateLimiter.release(mailbox, released),
    isFleetCounted && !mayBeSent ? rateLimiter.releaseSampled(FLEET) : null,
  ]);
}
