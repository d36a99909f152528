import type { Call } from "#core/call.ts";
import { networkOf } from "#core/network.ts";
import type { LimitGroup, Subject } from "#core/rate_limits/limits.ts";
import type { RateLimiter } from "#core/rate_limits/rate_limiter.ts";
import { ALLOWED, refuseIfOver } from "#core/rate_limits/verdict.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import type { CountedWindow } from "#core/repositories/window_pipeline.ts";
import { hashSecret } from "#core/secrets.ts";

type LimitedCore = { rateLimiter: RateLimiter };

/** Who presents a password, and for which identifier. */
interface Presenter {
  /** Normalized. */
  identity: string;
  /** The device, if the caller says which; it counts only if it has signed in with the identifier. */
  beakId: string | null;
  call: Call;
}

/** A password that may be compared. */
export interface CountedPassword {
  presenter: Presenter;
  /** The windows of the identifier that counted it as a failure. */
  ofIdentifier: readonly CountedWindow[];
  /** The window of the network that did. */
  ofNetwork: readonly CountedWindow[];
  /** Whether so many passwords of the identifier were wrong that a client with a CAPTCHA requires it. */
  isCaptchaDue: boolean;
}

const UNTIL_CAPTCHA = "passwords_without_captcha";

const subjectOf = ({ identity }: Pick<Presenter, "identity">): Subject => [
  "password_failures_per_identifier_and_network",
  identity,
];
const networkSubject = ({ call }: Pick<Presenter, "call">): Subject => [
  "password_failures_per_network",
  networkOf(call.ip),
];

/**
 * Counts a presented password as a failure, before it is compared. If the limits that all callers share are used up, a
 * device that has signed in with the identifier has its own, which strangers can't use up.
 * @param reading the identifier, which is read meanwhile
 * @throws NestError rate_limited: the password must not be compared; unavailable
 */
export async function countPresentedPassword(
  { rateLimiter }: LimitedCore,
  presenter: Presenter,
  reading: Promise<Identifier | null>,
): Promise<CountedPassword> {
  const { beakId, call } = presenter;
  const limiter = rateLimiter.closed;
  const subject = subjectOf(presenter);
  const shared: LimitGroup = [[["password_failures_per_identifier_and_network", networkOf(call.ip)]]];
  const own: LimitGroup = beakId === null ? [] : [[["password_failures_per_known_device", beakId]]];
  const [{ verdicts, peeked }, byNetwork, identifier] = await Promise.all([
    limiter.count(subject, [shared, [[[UNTIL_CAPTCHA]]]], own),
    limiter.countOne(...networkSubject(presenter)),
    reading,
  ]);
  const [byIdentifier = ALLOWED, byCaptcha = ALLOWED] = verdicts;
  const isCaptchaDue = !byCaptcha.isAllowed;
  if (byIdentifier.isAllowed && byNetwork.isAllowed)
    return { presenter, isCaptchaDue, ofIdentifier: byIdentifier.counted, ofNetwork: byNetwork.counted };
  const isKnown = beakId !== null && identifier?.knownDevices?.includes(hashSecret(beakId)) === true;
  if (!isKnown || !peeked.isAllowed) refuseIfOver([byIdentifier, byNetwork]);
  const { verdicts: ofDevice } = await limiter.count(subject, [own]);
  refuseIfOver(ofDevice);
  return { presenter, isCaptchaDue, ofIdentifier: ofDevice[0]?.counted ?? [], ofNetwork: [] };
}

/**
 * Writes what `PasswordRepository.countPresented` would write, where there is no password to count on, so that both cases
 * take the same time.
 */
export async function countWithoutUser(
  { rateLimiter }: LimitedCore,
  { presenter }: CountedPassword,
): Promise<void> {
  await rateLimiter.closed.count(subjectOf(presenter), [[[["passwords_without_user"]]]]);
}

/** Begins the count of the identifier again, because the password was correct. The other failures of the network stay. */
export async function resetFailures(
  { rateLimiter }: LimitedCore,
  { presenter, ofIdentifier, ofNetwork }: CountedPassword,
): Promise<void> {
  await Promise.all([
    rateLimiter.reset(subjectOf(presenter), [...ofIdentifier, { id: UNTIL_CAPTCHA }]),
    rateLimiter.release(networkSubject(presenter), ofNetwork),
  ]);
}

/** Removes the failure that was counted for a password, because it was not compared. */
export async function releaseUncompared(
  { rateLimiter }: LimitedCore,
  { presenter, ofIdentifier, ofNetwork }: CountedPassword,
): Promise<void> {
  await Promise.all([
    rateLimiter.release(subjectOf(presenter), ofIdentifier),
    rateLimiter.release(networkSubject(presenter), ofNetwork),
  ]);
}
