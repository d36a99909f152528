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

/** Above the limit of the deployment, a warning is logged. At this multiple of it, unknown devices are refused. */
const DEPLOYMENT_REFUSAL_FACTOR = 10;

/** "fleet" stands for the whole deployment. It is part of a stored key: another word would restart the count. */
const DEPLOYMENT: Subject = ["mails_per_hour", "fleet"];
const DEPLOYMENT_LINKS: LimitGroup = [[["mails_per_hour"]]];
const NETWORK_LINKS: LimitGroup = [[["links_per_network"]]];
const TRIAL_REQUESTS: LimitGroup = [[["trial_requests_per_network"]]];

/** A request for a link whose limits are not checked yet. */
export interface LinkAttempt {
  address: Address;
  device: Device | null;
  call: Call;
  /** Whether the link is for a trial. The limit of trial requests then applies too, also to known devices. */
  isTrial: boolean;
}

/** A link request that is within its limits. */
export interface LimitedLink {
  /** The mailbox, whose document counted the request. */
  mailbox: Subject;
  /** The windows of the mailbox that counted the request, for `releaseLink`. */
  counted: readonly WindowLimit[];
  /** Whether a shared limit refused the request and the own limit of a known device allowed it. */
  isByOwnLimit: boolean;
}

/** The limits that apply to a link request, and the subjects whose documents count it. */
interface LinkLimits {
  /** The address without the text after `+`: `ada+1@` and `ada+2@` share the limits of `ada@`. */
  mailbox: Subject;
  links: LimitGroup;
  /** The own limit of the device. It applies only if the device is known. */
  own: LimitGroup;
  network: Subject;
}

function limitsOf({ address, device, call }: LinkAttempt): LinkLimits {
  const network = networkOf(call.ip);
  return {
    mailbox: ["links_per_address", mailboxOf(address)],
    // A mailbox above its daily limit still gets one link an hour: strangers can't block it for a day (contract 1.7).
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
 * Counts a link request against its limits, with two concurrent commands. The document of the mailbox counts the request
 * in the window of the mailbox and in that of the mailbox and network, or in none. So one network can use up only its part
 * of the mailbox's links, concurrent requests get no more links than sequential requests, and a refused request has no
 * count to release.
 *
 * If these limits refuse the request, a known device has its own limit, which strangers can't use up: a known device has
 * signed in to this address before. A refused request takes at most 3 commands (contract 1.7), and a fourth only if
 * concurrent requests of one known device use up its own limit (decision 7).
 * @throws NestError rate_limited
 */
export async function countLinkRequest(core: LimitCore, attempt: LinkAttempt): Promise<LimitedLink> {
  const limits = limitsOf(attempt);
  const { mailbox } = limits;
  const { trial, shared, counted, own } = await countShared(core.rateLimiter, limits, attempt.isTrial);
  refuseIfOver([trial]);
  if (shared.every(({ isAllowed }) => isAllowed)) return { mailbox, counted, isByOwnLimit: false };
  // Only a known device has a window, so a full window needs no further check.
  if (!own.isAllowed) refuseIfOver(shared, own.retryAfterSeconds);
  if (!(await isKnownDevice(core, attempt))) refuseIfOver(shared);
  const { verdicts } = await core.rateLimiter.count(mailbox, [limits.own]);
  const [byDevice = ALLOWED] = verdicts;
  // Concurrent requests of the device used up its own limit. It waits at most for the end of that window.
  if (!byDevice.isAllowed) refuseIfOver(shared, byDevice.retryAfterSeconds);
  return { mailbox, counted: [...counted, ...byDevice.counted], isByOwnLimit: true };
}

interface SharedVerdicts {
  trial: Verdict;
  /** The verdicts of the limits that all devices share. */
  shared: readonly Verdict[];
  /** The windows of the mailbox that counted the request. */
  counted: readonly WindowLimit[];
  /** Whether the own limit of the device would allow the request. It has not counted the request. */
  own: Verdict;
}

/**
 * Counts the request against the limits that all devices share. If this instance knows that the window of the network or
 * of the deployment is full, the mailbox does not count the request: otherwise strangers could use up the limits of many
 * mailboxes with requests that are refused anyway.
 */
async function countShared(
  rateLimiter: RateLimiter,
  { mailbox, links, own, network }: LinkLimits,
  isTrial: boolean,
): Promise<SharedVerdicts> {
  const byDeployment = rateLimiter.cachedRefusal(DEPLOYMENT, DEPLOYMENT_LINKS) ?? ALLOWED;
  const isRefused = !byDeployment.isAllowed || rateLimiter.cachedRefusal(network, NETWORK_LINKS) !== null;
  const [ofNetwork, ofMailbox] = await Promise.all([
    rateLimiter.count(network, isTrial ? [NETWORK_LINKS, TRIAL_REQUESTS] : [NETWORK_LINKS]),
    isRefused ? null : rateLimiter.count(mailbox, [links], own),
  ]);
  const [byNetwork = ALLOWED, trial = ALLOWED] = ofNetwork.verdicts;
  const [byMailbox = ALLOWED] = ofMailbox?.verdicts ?? [];
  return {
    trial,
    shared: [byDeployment, byNetwork, byMailbox],
    counted: byMailbox.counted,
    own: ofMailbox?.peeked ?? ALLOWED,
  };
}

async function isKnownDevice({ identifiers }: LimitCore, { address, device }: LinkAttempt): Promise<boolean> {
  if (device === null) return false;
  const identifier = await identifiers.findActive("email", address.identity);
  return identifier?.knownDevices?.includes(hashSecret(device.beakId)) === true;
}

/**
 * Counts a link against the sampled limit of the deployment. Most calls send no command.
 * @returns whether this link is in the sample
 */
export async function countMail(
  { rateLimiter, log }: Pick<Core, "log"> & { rateLimiter: RateLimiter },
  { isByOwnLimit }: LimitedLink,
): Promise<boolean> {
  const ratio = await rateLimiter.countSampled(DEPLOYMENT, DEPLOYMENT_REFUSAL_FACTOR);
  if (ratio !== null && ratio > 1)
    log.warn("mail_ceiling_passed", { ratio: Number(ratio.toFixed(2)), known_device: isByOwnLimit });
  return ratio !== null;
}

/**
 * Releases the counts of a link that could not be mailed, so that the user can request another. The hourly count of the
 * network stays: otherwise mails that SES refuses could be requested without limit.
 * @param mayBeSent whether SES may have sent the mail although the request failed. Then the counts of the mailbox and of
 *   the deployment stay too; only the count of the mailbox and network is released
 */
export async function releaseLink(
  { rateLimiter }: { rateLimiter: RateLimiter },
  { mailbox, counted, isSampled }: LimitedLink & { isSampled: boolean },
  mayBeSent: boolean,
): Promise<void> {
  const released = mayBeSent
    ? counted.filter(({ limit }) => limit === "links_per_address_and_network")
    : counted;
  await Promise.all([
    rateLimiter.release(mailbox, released),
    isSampled && !mayBeSent ? rateLimiter.releaseSampled(DEPLOYMENT) : null,
  ]);
}
