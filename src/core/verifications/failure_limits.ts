import type { Call } from "#core/call.ts";
import { networkOf } from "#core/network.ts";
import type { LimitGroup, Subject } from "#core/rate_limits/limits.ts";
import type { RateLimiter } from "#core/rate_limits/rate_limiter.ts";
import { ALLOWED, refuseIfOver } from "#core/rate_limits/verdict.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import type { CountedWindow } from "#core/repositories/window_pipeline.ts";
import { hashSecret } from "#core/secrets.ts";

/** A code that may be compared. */
export interface CountedCode {
  subject: Subject;
  /** The windows that counted it as a failure, for `releaseCorrectCode`. */
  counted: readonly CountedWindow[];
}

interface PresentedCode {
  /** Normalized. */
  identity: string;
  /** The device that presents the code, if it says which; it counts only if it has signed in with the identifier. */
  beakId: string | null;
  call: Call;
}

/**
 * Counts a presented code as a failure, before it is compared. A new code does not reset the count. If the limits that all
 * callers share are used up, a device that has signed in with the identifier has its own, which strangers can't use up.
 * @param reading the active identifier, which is read meanwhile
 * @throws NestError rate_limited: the code must not be compared; unavailable
 */
export async function countPresentedCode(
  { rateLimiter }: { rateLimiter: RateLimiter },
  { identity, beakId, call }: PresentedCode,
  reading: Promise<Identifier | null>,
): Promise<CountedCode> {
  const limiter = rateLimiter.closed;
  const subject: Subject = ["code_failures_per_identifier", identity];
  const shared: LimitGroup = [
    [["code_failures_per_identifier_and_network", networkOf(call.ip)]],
    [["code_failures_per_identifier"]],
  ];
  const own: LimitGroup = beakId === null ? [] : [[["code_failures_per_known_device", beakId]]];
  const [{ verdicts, peeked }, identifier] = await Promise.all([
    limiter.count(subject, [shared], own),
    reading,
  ]);
  const [byShared = ALLOWED] = verdicts;
  if (byShared.isAllowed) return { subject, counted: byShared.counted };
  const isKnown = beakId !== null && identifier?.knownDevices?.includes(hashSecret(beakId)) === true;
  if (!isKnown || !peeked.isAllowed) refuseIfOver([byShared]);
  const { verdicts: ofDevice } = await limiter.count(subject, [own]);
  refuseIfOver(ofDevice);
  return { subject, counted: ofDevice[0]?.counted ?? [] };
}

/**
 * Counts a code that a session presents to become fresh, before it is compared. The session has a limit of its own: whoever does not have
 * the session can't use it up, and whoever stole it uses up no other limit of the user.
 * @throws NestError rate_limited: the code must not be compared; unavailable
 */
export async function countCodeOfSession(
  { rateLimiter }: { rateLimiter: RateLimiter },
  { identity, sessionId }: { identity: string; sessionId: string },
): Promise<CountedCode> {
  const subject: Subject = ["code_failures_per_identifier", identity];
  const own: LimitGroup = [[["code_failures_per_session", sessionId]]];
  const { verdicts } = await rateLimiter.closed.count(subject, [own]);
  refuseIfOver(verdicts);
  return { subject, counted: verdicts[0]?.counted ?? [] };
}

/** Removes the failure that was counted for a code, because the code was correct. The other failures stay counted. */
export async function releaseCorrectCode(
  { rateLimiter }: { rateLimiter: RateLimiter },
  { subject, counted }: CountedCode,
): Promise<void> {
  await rateLimiter.release(subject, counted);
}
