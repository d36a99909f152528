import type { Call } from "#core/call.ts";
import type { Core } from "#core/core.ts";
import type { PasswordHasher } from "#core/passwords/password_hasher.ts";
import { countPresentedPassword, resetFailures } from "#core/passwords/password_limits.ts";
import type { RateLimiter } from "#core/rate_limits/rate_limiter.ts";
import type { Password } from "#core/repositories/passwords.ts";
import { FAILED_PASSWORDS_LIMIT } from "#core/repositories/refused_because.ts";
import { settleAll } from "#core/settle.ts";

export type CurrentPasswordCore = Pick<Core, "log" | "passwords"> & {
  passwordHasher: PasswordHasher;
  rateLimiter: RateLimiter;
};

/**
 * Compares what a signed-in user presents with the user's password. It is counted as a failure first, in the windows of the
 * user and of the network, and on the password, which is locked after `FAILED_PASSWORDS_LIMIT`: who has stolen a session must
 * not find the password by guessing.
 * @param typed the presented password
 * @returns whether it is correct, and the password that it was compared with; null if that is locked or was removed
 * @throws NestError rate_limited, unavailable
 */
export async function matchCurrentPassword(
  core: CurrentPasswordCore,
  userId: string,
  typed: string,
  call: Call,
): Promise<{ isCorrect: boolean; password: Password | null }> {
  const presenter = { identity: userId, beakId: null, call };
  const counted = await countPresentedPassword(core, presenter, Promise.resolve(null));
  const password = await core.passwords.countPresented(userId);
  if (await core.passwordHasher.matches(typed, password)) {
    if (password)
      await settleAll([resetFailures(core, counted), core.passwords.acceptPresented(password, null)]);
    return { isCorrect: true, password };
  }
  if (password?.failedCount === FAILED_PASSWORDS_LIMIT)
    core.log.warn("password_locked", { security_event: true, user_id: userId });
  return { isCorrect: false, password };
}
