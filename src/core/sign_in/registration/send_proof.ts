import type { Call } from "#core/call.ts";
import type { Core } from "#core/core.ts";
import { describeFailure } from "#core/log.ts";
import type { TokenPair } from "#core/sessions/issue_session.ts";
import { type ChannelCore, openChannel } from "#core/sign_in/code_channel.ts";
import { deliveryTo, type SentVerification } from "#core/sign_in/registration/register_first.ts";
import type { Registration } from "#core/sign_in/registration/registration.ts";
import { storeAndSend } from "#core/sign_in/send_verification.ts";
import type { CodeKey } from "#core/verifications/code_key.ts";
import { newVerification } from "#core/verifications/new_verification.ts";

export type SendProofCore = ChannelCore & Pick<Core, "verifications"> & { codeKey: CodeKey };

/**
 * Sends a code with which a registered user proves the address.
 * @returns null if it can't be sent, or a limit refuses it: the user is registered, and can request another code
 */
export async function sendProof(
  core: SendProofCore,
  registration: Registration,
  { userId, sessionId }: Pick<TokenPair, "userId" | "sessionId">,
  call: Call,
): Promise<SentVerification | null> {
  const { client, target } = registration;
  try {
    const channel = await openChannel(core, registration, call);
    const { verification, secrets } = newVerification(core, {
      ...{ purpose: "verify_identifier", clientId: client.id, target, userId, sessionId },
      ...{ sends: { code: true }, now: core.clock.now() },
    });
    const { code } = secrets;
    const mail = { template: "sign_in_code", variables: { code } } as const;
    const message = { mail, sms: { code } };
    await storeAndSend(core, channel, { verification, message, isNeutral: false });
    return { nonce: secrets.nonce, expiresAt: verification.expiresAt, delivery: deliveryTo(target) };
  } catch (error) {
    core.log.warn("registration_message_not_sent", { message: "proof", ...describeFailure(error) });
    return null;
  }
}
