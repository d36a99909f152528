import type { Call } from "#core/call.ts";
import { plusSeconds } from "#core/clock.ts";
import type { Core } from "#core/core.ts";
import { mayHaveBeenSent } from "#core/messages/mailer.ts";
import { LIMITS } from "#core/rate_limits/limits.ts";
import type { Verification, VerificationPurpose } from "#core/repositories/verifications.ts";
import { settleAll } from "#core/settle.ts";
import { type Channel, type ChannelCore, openChannel } from "#core/sign_in/code_channel.ts";
import { answerNeutrally } from "#core/sign_in/neutral_answer.ts";
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
  const isAdmitted = await releaseIfFailed(channel, async () => {
    const [admitted] = await settleAll([channel.admit(), core.verifications.insert(verification)]);
    return admitted;
  });
  const message = { channel, code: secrets.code, isWanted: isAdmitted };
  const sending =
    checked.client.registration === "open"
      ? deliver(core, verification, message, null)
      : deliverNeutrally(core, verification, message);
  await settleAll([sending, core.verifications.revokeEarlier(verification, now.toISOString())]);
  return {
    nonce: secrets.nonce,
    expiresAt: new Date(verification.expiresAt),
    resendAt: plusSeconds(now, LIMITS.codes_per_identifier.seconds),
  };
}

interface Message {
  channel: Channel;
  code: string;
  isWanted: boolean;
}

async function deliver(
  core: SendCore,
  { clientId, identifierType, country }: Verification,
  { channel, code, isWanted }: Message,
  deadline: number | null,
): Promise<void> {
  if (!isWanted) return;
  const mail = { template: "sign_in_code", variables: { code } } as const;
  await releaseIfFailed(channel, () => channel.deliver({ mail, sms: { code } }, deadline));
  core.log.info("code_sent", { type: identifierType, country, client_id: clientId });
}

/** Sends the message if its identifier belongs to a user, and takes the same time if not. */
function deliverNeutrally(core: SendCore, verification: Verification, message: Message): Promise<void> {
  const isWanted = message.isWanted && message.channel.isKnown;
  return answerNeutrally(core, verification.identifierType, (deadline) =>
    deliver(core, verification, { ...message, isWanted }, deadline),
  );
}

/** Runs a step of a message. If it fails, the counts of the message are released. */
export async function releaseIfFailed<Result>(
  channel: Channel,
  step: () => Promise<Result>,
): Promise<Result> {
  try {
    return await step();
  } catch (error) {
    await channel.release(mayHaveBeenSent(error));
    throw error;
  }
}
