import type { Call } from "#core/call.ts";
import type { OAuthClient } from "#core/clients/oauth_clients.ts";
import { networkOf } from "#core/network.ts";
import { type CheckCore, checkPassword } from "#core/passwords/check_password.ts";
import type { HashedPassword, PasswordHasher } from "#core/passwords/password_hasher.ts";
import type { RateLimiter } from "#core/rate_limits/rate_limiter.ts";
import { refuseIfOver } from "#core/rate_limits/verdict.ts";
import type { Device } from "#core/repositories/authorizations.ts";
import type { RegistrationOptions } from "#core/sign_in/registration/judge_registration.ts";
import type { CodeTarget } from "#core/verifications/code_request.ts";

/** A registration whose client, identifier, number and page are valid. */
export interface Registration {
  client: OAuthClient;
  target: CodeTarget;
  /** As typed; null if the person gave none. */
  password: string | null;
  name: string | null;
  accountName: string | null;
  /** A phone number beside an address. E.164. */
  phone: string | null;
  /** The page that the link of a reset opens. */
  redirectUri: string;
  options: RegistrationOptions;
  device: Device | null;
  deviceId: string | null;
}

export type NewPasswordCore = CheckCore & { passwordHasher: PasswordHasher };

/**
 * Counts a registration against the limit of its network, before anything is read or hashed.
 * @throws NestError rate_limited, unavailable
 */
export async function countRegistration(
  { rateLimiter }: { rateLimiter: RateLimiter },
  { ip }: Call,
): Promise<void> {
  refuseIfOver([await rateLimiter.closed.countOne("registrations_per_network", networkOf(ip))]);
}

/**
 * Checks and hashes the password of a registration.
 * @returns null if the person gave none
 * @throws NestError password_not_acceptable
 */
export async function hashNewPassword(
  core: NewPasswordCore,
  { client, target, password, phone }: Registration,
): Promise<HashedPassword | null> {
  if (password === null) return null;
  const addresses = [target.identity, ...(phone === null ? [] : [phone])];
  await checkPassword(core, client, { password, addresses });
  return core.passwordHasher.hash(password);
}
