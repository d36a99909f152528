import type { Call } from "#core/call.ts";
import { plusSeconds } from "#core/clock.ts";
import type { Core } from "#core/core.ts";
import { LIMITS } from "#core/rate_limits/limits.ts";
import type { VerificationPurpose } from "#core/repositories/verifications.ts";
import { type ChannelCore, openChannel } from "#core/sign_in/code_channel.ts";
import { storeAndSend } from "#core/sign_in/send_verification.ts";
import type { CodeKey } from "#core/verifications/code_key.ts";
import type { CheckedCode } from "#core/verifications/code_request.ts";
import { newVerification } from "#core/verifications/new_verification.ts";

/** What the requester of a code gets. The code itself is in the message only. */
export interface SentCode {
  /** 32 random bytes, hex. It is presented with the code. */
  nonce: string;
  expiresAt: Date;
  /** From when another code can be requested. */
  resendAt: Date;
}

type SendCore = ChannelCore & Pick<Core, "verifications"> & { codeKey: CodeKey };

/**
 * Sends a code to an address or a phone number, and stores it for 10 minutes. It replaces earlier codes for the same
 * purpose. A client with closed registration sends to existing users only; the response is the same for other people.
 * @throws NestError rate_limited, unavailable; delivery_failed if registration is open
 */
export async function sendCode(
  core: SendCore,
  purpose: VerificationPurpose,
  checked: CheckedCode,
  call: Call,
): Promise<SentCode> {
  const channel = await openChannel(core, checked, call);
  const now = core.clock.now();
  const { client, target } = checked;
  const { verification, secrets } = newVerification(core, {
    ...{ purpose, clientId: client.id, target, sends: { code: true }, now },
  });
  const isNeutral = client.registration !== "open";
  const { code } = secrets;
  const withCode = { mail: { template: "sign_in_code", variables: { code } }, sms: { code } } as const;
  const message = isNeutral && !channel.isKnown ? null : withCode;
  await storeAndSend(core, channel, { verification, message, isNeutral }, () => {
    const { type, country } = target;
    core.log.info("code_sent", { type, country, client_id: client.id });
  });
  return {
    nonce: secrets.nonce,
    expiresAt: new Date(verification.expiresAt),
    resendAt: plusSeconds(now, LIMITS.codes_per_identifier.seconds),
  };
}
