import type { Core } from "#core/core.ts";
import { networkOf } from "#core/network.ts";
import type { LimitGroup, Subject } from "#core/rate_limits/limits.ts";
import { networkSubject } from "#core/rate_limits/network_subject.ts";
import type { RateLimiter } from "#core/rate_limits/rate_limiter.ts";
import type { Sampled } from "#core/rate_limits/sampling.ts";
import { ALLOWED, refuseIfOver, type Verdict } from "#core/rate_limits/verdict.ts";
import type { CountedWindow } from "#core/repositories/window_pipeline.ts";
import { isKnownDevice, type LimitCore, type LinkAttempt } from "#core/sign_in/link_attempt.ts";
import {
  countNetworkLink,
  countTrialRequest,
  NETWORK_LINKS,
  type NetworkVerdict,
} from "#core/sign_in/network_limits.ts";
import { mailboxOf } from "#core/users/address.ts";

/** Above the limit of the deployment, a warning is logged. At this multiple of it, unknown devices are refused. */
const DEPLOYMENT_REFUSAL_FACTOR = 10;

/** "fleet" stands for the whole deployment. It is part of a stored key: another word would restart the count. */
const DEPLOYMENT: Subject = ["mails_per_hour", "fleet"];
const DEPLOYMENT_LINKS: LimitGroup = [[["mails_per_hour"]]];

/** A link request that is within its limits. */
export interface LimitedLink {
  /** The mailbox, whose document counted the request. */
  mailbox: Subject;
  /** The windows of the mailbox that counted the request, for `releaseLink`. */
  counted: readonly CountedWindow[];
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

function limitsOf({ address, device, call, isCode = false }: LinkAttempt): LinkLimits {
  const network = networkOf(call.ip);
  const resend: LimitGroup = isCode ? [[["codes_per_identifier"]]] : [];
  return {
    mailbox: ["links_per_address", mailboxOf(address)],
    // A mailbox above its daily limit still gets one link an hour: strangers can't block it for a day (contract 1.7).
    links: [
      ...resend,
      [["links_per_address_and_network", network]],
      [["links_per_address"], ["links_after_daily_limit"]],
    ],
    own: device ? [...resend, [["links_per_known_device", device.beakId]]] : [],
    network: networkSubject(call.ip),
  };
}

/**
 * Counts a link request against its limits, with two commands: concurrent ones for a link, and sequential ones for a trial.
 * The document of the mailbox counts the request in the window of the mailbox and in that of the mailbox and network, or in
 * none. So one network can use up only its part of the mailbox's links, concurrent requests get no more links than
 * sequential requests, and a refused request has no count to release.
 *
 * If these limits refuse the request, a known device has its own limit, which strangers can't use up: a known device has
 * signed in to this address before. A refused request takes at most 3 commands (contract 1.7), and a fourth only if
 * concurrent requests of one known device use up its own limit (decision 7).
 * @throws NestError rate_limited
 */
export async function countLinkRequest(core: LimitCore, attempt: LinkAttempt): Promise<LimitedLink> {
  const limits = limitsOf(attempt);
  const { mailbox } = limits;
  const { shared, counted, own, isKnown } = await countShared(core, limits, attempt);
  if (shared.every(({ isAllowed }) => isAllowed)) return { mailbox, counted, isByOwnLimit: false };
  // Only a known device has a window of its own. If that window is full, the device need not be looked up.
  if (!own.isAllowed) refuseIfOver(shared, own.retryAfterSeconds);
  if (!(isKnown ?? (await isKnownDevice(core, attempt)))) refuseIfOver(shared);
  const { verdicts } = await core.rateLimiter.count(mailbox, [limits.own]);
  const [byDevice = ALLOWED] = verdicts;
  // Concurrent requests of the device used up its own limit. It waits at most for the end of that window.
  if (!byDevice.isAllowed) refuseIfOver(shared, byDevice.retryAfterSeconds);
  return { mailbox, counted: [...counted, ...byDevice.counted], isByOwnLimit: true };
}

interface SharedVerdicts extends Pick<NetworkVerdict, "isKnown"> {
  /** The verdicts of the limits that all devices share. */
  shared: readonly Verdict[];
  /** The windows of the mailbox that counted the request. */
  counted: readonly CountedWindow[];
  /** Whether the own limit of the device would allow the request. It has not counted the request. */
  own: Verdict;
}

/**
 * Counts the request against the limits that all devices share. If this instance knows that the window of the network or
 * of the deployment is full, the mailbox does not count the request: otherwise strangers could use up the limits of many
 * mailboxes with requests that are refused anyway. For a trial request, the network counts first, because it has two more
 * limits for trials. So the mailbox never counts a trial request that the network refuses.
 * @throws NestError rate_limited above a limit of trials
 */
async function countShared(
  core: LimitCore,
  { mailbox, links, own, network }: LinkLimits,
  attempt: LinkAttempt,
): Promise<SharedVerdicts> {
  const { rateLimiter } = core;
  const byDeployment = rateLimiter.cachedRefusal(DEPLOYMENT, DEPLOYMENT_LINKS) ?? ALLOWED;
  const isFull = !byDeployment.isAllowed || rateLimiter.cachedRefusal(network, NETWORK_LINKS) !== null;
  const counting = attempt.isTrial
    ? countTrialRequest(core, attempt, network)
    : countNetworkLink(rateLimiter, network);
  const isRefused = isFull || (attempt.isTrial && !(await counting).byNetwork.isAllowed);
  const [{ byNetwork, isKnown }, ofMailbox] = await Promise.all([
    counting,
    isRefused ? null : rateLimiter.count(mailbox, [links], own),
  ]);
  const [byMailbox = ALLOWED] = ofMailbox?.verdicts ?? [];
  return {
    shared: [byDeployment, byNetwork, byMailbox],
    counted: byMailbox.counted,
    own: ofMailbox?.peeked ?? ALLOWED,
    isKnown,
  };
}

/**
 * Counts a link against the sampled limit of the deployment. Most calls send no command.
 * @returns the count, if this link is in the sample
 */
export async function countMail(
  { rateLimiter, log }: Pick<Core, "log"> & { rateLimiter: RateLimiter },
  { isByOwnLimit }: LimitedLink,
): Promise<Sampled | null> {
  const sampled = await rateLimiter.countSampled(DEPLOYMENT, DEPLOYMENT_REFUSAL_FACTOR);
  if (sampled !== null && sampled.ratio > 1)
    log.warn("mail_ceiling_passed", { ratio: Number(sampled.ratio.toFixed(2)), known_device: isByOwnLimit });
  return sampled;
}

/**
 * Releases the counts of a link that could not be mailed, so that the user can request another. The hourly count of the
 * network stays: otherwise mails that SES refuses could be requested without limit.
 * @param mayBeSent whether SES may have sent the mail although the request failed. Then the counts of the mailbox and of
 *   the deployment stay too; only the count of the mailbox and network is released
 */
export async function releaseLink(
  { rateLimiter }: { rateLimiter: RateLimiter },
  { mailbox, counted, sampled }: LimitedLink & { sampled: Sampled | null },
  mayBeSent: boolean,
): Promise<void> {
  const released = mayBeSent
    ? counted.filter(({ limit }) => limit === "links_per_address_and_network")
    : counted;
  await Promise.all([
    rateLimiter.release(mailbox, released),
    sampled && !mayBeSent ? rateLimiter.releaseSampled(DEPLOYMENT, sampled) : null,
  ]);
}
