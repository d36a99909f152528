import type { Call } from "#core/call.ts";
import type { Core } from "#core/core.ts";
import type { RateLimiter } from "#core/rate_limits/rate_limiter.ts";
import type { Device } from "#core/repositories/authorizations.ts";
import { hashSecret } from "#core/secrets.ts";
import type { Address } from "#core/users/address.ts";

/** A request for a link whose limits are not checked yet. */
export interface LinkAttempt {
  address: Address;
  device: Device | null;
  call: Call;
  /** Whether the link is for a trial. The two limits of trials then apply too, also to known devices. */
  isTrial: boolean;
  /** Whether a mailbox gets one in 60 s. */
  isCode?: boolean;
}

/** The parts of the core that check the limits of a link request. */
export type LimitCore = Pick<Core, "identifiers" | "trials"> & { rateLimiter: RateLimiter };

/** Whether the device of a request has signed in with its address before. */
export async function isKnownDevice(
  { identifiers }: LimitCore,
  { address, device }: LinkAttempt,
): Promise<boolean> {
  if (device === null) return false;
  const identifier = await identifiers.findActive("email", address.identity);
  return identifier?.knownDevices?.includes(hashSecret(device.beakId)) === true;
}
