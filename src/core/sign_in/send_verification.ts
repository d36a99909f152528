import type { Core } from "#core/core.ts";
import { mayHaveBeenSent } from "#core/messages/mailer.ts";
import type { Verification } from "#core/repositories/verifications.ts";
import { settleAll } from "#core/settle.ts";
import type { Channel, ChannelMessage } from "#core/sign_in/code_channel.ts";
import { answerNeutrally } from "#core/sign_in/neutral_answer.ts";

type StoreCore = Pick<Core, "clock" | "log" | "verifications">;

/** A verification that is not stored yet, and what is sent with it. */
export interface Outgoing {
  verification: Verification;
  /** Null if nobody may get a message. */
  message: ChannelMessage | null;
  /** Whether some people get no message: then the response comes after the same time for all, and reports no failure. */
  isNeutral: boolean;
}

/**
 * Stores a verification, sends its message, and revokes the earlier verifications of the identifier for the purpose.
 * @throws NestError rate_limited, unavailable; delivery_failed unless `isNeutral`
 */
export async function storeAndSend(
  core: StoreCore,
  channel: Channel,
  { verification, message, isNeutral }: Outgoing,
): Promise<void> {
  const now = core.clock.now().toISOString();
  const isAdmitted = await releaseIfFailed(channel, async () => {
    const [admitted] = await settleAll([channel.admit(), core.verifications.insert(verification)]);
    return admitted;
  });
  const deliver = async (deadline: number | null) => {
    if (message === null || !isAdmitted) return;
    await releaseIfFailed(channel, () => channel.deliver(message, deadline));
  };
  const sending = isNeutral ? answerNeutrally(core, verification.identifierType, deliver) : deliver(null);
  await settleAll([sending, core.verifications.revokeEarlier(verification, now)]);
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
