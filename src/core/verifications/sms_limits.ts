import type { Call } from "#core/call.ts";
import { networkOf } from "#core/network.ts";
import type { LimitGroup, Subject } from "#core/rate_limits/limits.ts";
import { networkSubject } from "#core/rate_limits/network_subject.ts";
import type { RateLimiter } from "#core/rate_limits/rate_limiter.ts";
import { ALLOWED, refuseIfOver } from "#core/rate_limits/verdict.ts";
import type { CountedWindow } from "#core/repositories/window_pipeline.ts";

/** An SMS that is within the limits of its number and its network. */
export interface CountedSms {
  range: Subject;
  /** The windows that counted the SMS, for `releaseSms`. */
  counted: readonly CountedWindow[];
}

const NETWORK_LINKS: LimitGroup = [[["links_per_network"]]];
const DEPLOYMENT: Subject = ["sms_per_day", "fleet"];
/** Digits at the end of a number by which the numbers of one range differ. */
const RANGE_DIGITS = 3;

/**
 * Counts an SMS against the limits of its number, of the numbers beside it, and of the network. One document counts the
 * whole range, so that an SMS takes two commands. Toll fraud calls many new numbers of one range; a number that has signed in
 * does not count in its range.
 * @param isKnown the number has signed in before
 * @throws NestError rate_limited, unavailable
 */
export async function countSms(
  { rateLimiter }: { rateLimiter: RateLimiter },
  { number, isKnown }: { number: string; isKnown: boolean },
  call: Call,
): Promise<CountedSms> {
  const range: Subject = ["sms_per_range", number.slice(0, -RANGE_DIGITS)];
  const own: LimitGroup = [
    [["codes_per_identifier", number]],
    [["sms_per_number_and_network", number, networkOf(call.ip)]],
    [["sms_per_number", number]],
    ...(isKnown ? [] : [[["sms_per_range"] as const]]),
  ];
  const limiter = rateLimiter.closed;
  const network = networkSubject(call.ip);
  const refusal = limiter.cachedRefusal(network, NETWORK_LINKS);
  if (refusal) refuseIfOver([refusal]);
  const [{ verdicts: ofRange }, { verdicts: ofNetwork }] = await Promise.all([
    limiter.count(range, [own]),
    limiter.count(network, [NETWORK_LINKS]),
  ]);
  const [byRange = ALLOWED] = ofRange;
  const counted = { range, counted: byRange.counted };
  try {
    refuseIfOver([...ofRange, ...ofNetwork]);
  } catch (error) {
    await releaseSms({ rateLimiter }, counted);
    throw error;
  }
  return counted;
}

/**
 * Counts an SMS against the daily limit of the deployment, which bounds its cost. Half of it is kept for numbers that have
 * signed in, so that toll fraud can't stop the sign-in of users.
 * @throws NestError rate_limited, unavailable
 */
export async function countDailySms(
  { rateLimiter }: { rateLimiter: RateLimiter },
  isKnown: boolean,
): Promise<void> {
  const group: LimitGroup = [[["sms_per_day"]], ...(isKnown ? [] : [[["sms_to_new_numbers"] as const]])];
  const { verdicts } = await rateLimiter.closed.count(DEPLOYMENT, [group]);
  refuseIfOver(verdicts);
}

/** Releases the counts of an SMS that was not sent, so that the user can request another. */
export async function releaseSms(
  { rateLimiter }: { rateLimiter: RateLimiter },
  { range, counted }: CountedSms,
): Promise<void> {
  await rateLimiter.release(range, counted);
}
