import type { LimitGroup, Subject } from "#core/rate_limits/limits.ts";
import type { RateLimiter } from "#core/rate_limits/rate_limiter.ts";
import { ALLOWED, refuseIfOver, type Verdict } from "#core/rate_limits/verdict.ts";
import { isKnownDevice, type LimitCore, type LinkAttempt } from "#core/sign_in/link_attempt.ts";

export const NETWORK_LINKS: LimitGroup = [[["links_per_network"]]];
const TRIAL_REQUESTS: LimitGroup = [[["trial_requests_per_network"]]];
const NEW_TRIALS: LimitGroup = [[["new_trials_per_network"]]];

/** The verdict of a network about a link request. */
export interface NetworkVerdict {
  byNetwork: Verdict;
  /** Whether the device is known; null if that was not read. */
  isKnown: boolean | null;
}

/** Counts a link request against the limit of its network. */
export async function countNetworkLink(rateLimiter: RateLimiter, network: Subject): Promise<NetworkVerdict> {
  const { verdicts } = await rateLimiter.count(network, [NETWORK_LINKS]);
  return { byNetwork: verdicts[0] ?? ALLOWED, isKnown: null };
}

/**
 * Counts a trial request against the limits of its network. Above the limit of new trials, the request continues only if
 * its address has a trial. One command reads the trial and the device, so that a request which another limit refuses
 * takes no further command for the device.
 * @throws NestError rate_limited above a limit of trials
 */
export async function countTrialRequest(
  core: LimitCore,
  attempt: LinkAttempt,
  network: Subject,
): Promise<NetworkVerdict> {
  const { verdicts, peeked } = await core.rateLimiter.count(
    network,
    [NETWORK_LINKS, TRIAL_REQUESTS],
    NEW_TRIALS,
  );
  const [byNetwork = ALLOWED, byTrials = ALLOWED] = verdicts;
  refuseIfOver([byTrials]);
  if (peeked.isAllowed) return { byNetwork, isKnown: null };
  const [trial, isKnown] = await Promise.all([
    core.trials.findByAddress(attempt.address.identity),
    isKnownDevice(core, attempt),
  ]);
  if (trial === null) refuseIfOver([peeked]);
  return { byNetwork, isKnown };
}
