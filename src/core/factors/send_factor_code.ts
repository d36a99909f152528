import type { Call } from "#core/call.ts";
import type { OAuthClient } from "#core/clients/oauth_clients.ts";
import { NestError } from "#core/errors.ts";
import type { Device } from "#core/repositories/authorizations.ts";
import type { MfaFactor } from "#core/repositories/mfa_factors.ts";
import { type ChannelCore, openChannel } from "#core/sign_in/code_channel.ts";
import { releaseIfFailed } from "#core/sign_in/send_verification.ts";
import { readTarget } from "#core/verifications/code_request.ts";

/** A code that goes to a factor. */
export interface FactorCode {
  client: OAuthClient;
  factor: Pick<MfaFactor, "userId" | "status" | "factorType" | "identifierValue">;
  /** Of the sign-in. A device that the user has signed in on has limits of its own; null: none is known. */
  device: Device | null;
  code: string;
}

/**
 * Sends a code to the stored number or address of a factor, within the limits of all codes. The number of an active factor counts as a
 * known number, as one that signs in does. An address must still be the user's own: its mailbox may be somebody else's since.
 * @param store stores the hash of the code; it runs after the limits of the recipient
 * @throws NestError country_not_allowed, rate_limited, delivery_failed, unavailable; factor_not_found if the user has removed the
 *   address of an active factor, own_address_not_verified for that of a new factor; what `store` throws
 */
export async function sendFactorCode(
  core: ChannelCore,
  { client, factor, device, code }: FactorCode,
  store: () => Promise<void>,
  call: Call,
): Promise<void> {
  const type = factor.factorType === "sms" ? "phone" : "email";
  const target = readTarget(client, type, factor.identifierValue ?? "");
  const isKnown = factor.status === "active";
  const channel = await openChannel(core, { client, target, device, isKnown }, call);
  await releaseIfFailed(channel, async () => {
    const { identifier } = channel;
    const isOwn = identifier?.userId === factor.userId && identifier.verifiedAt !== null;
    // A factor that is being added is told from one that its user has.
    if (type === "email" && !isOwn)
      throw new NestError(isKnown ? "factor_not_found" : "own_address_not_verified");
    await store();
    if (!(await channel.admit())) return;
    const message = { mail: { template: "sign_in_code", variables: { code } }, sms: { code } } as const;
    await channel.deliver(message, null);
  });
}
