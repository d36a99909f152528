import type { Call } from "#core/call.ts";
import type { OAuthClient } from "#core/clients/oauth_clients.ts";
import type { MfaFactor } from "#core/repositories/mfa_factors.ts";
import { type ChannelCore, openChannel } from "#core/sign_in/code_channel.ts";
import { releaseIfFailed } from "#core/sign_in/send_verification.ts";
import { readTarget } from "#core/verifications/code_request.ts";

/** A code that goes to a factor. */
export interface FactorCode {
  client: OAuthClient;
  factor: Pick<MfaFactor, "factorType" | "identifierValue">;
  code: string;
}

/**
 * Sends a code to the stored number or address of a factor, within the limits of all codes.
 * @param store stores the hash of the code; it runs after the limits of the recipient
 * @throws NestError country_not_allowed, rate_limited, delivery_failed, unavailable; what `store` throws
 */
export async function sendFactorCode(
  core: ChannelCore,
  { client, factor, code }: FactorCode,
  store: () => Promise<void>,
  call: Call,
): Promise<void> {
  const type = factor.factorType === "sms" ? "phone" : "email";
  const target = readTarget(client, type, factor.identifierValue ?? "");
  const channel = await openChannel(core, { client, target, device: null }, call);
  await releaseIfFailed(channel, async () => {
    await store();
    if (!(await channel.admit())) return;
    const message = { mail: { template: "sign_in_code", variables: { code } }, sms: { code } } as const;
    await channel.deliver(message, null);
  });
}
