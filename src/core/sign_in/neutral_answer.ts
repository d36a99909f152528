import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import type { IdentifierType } from "#core/repositories/identifiers.ts";

/**
 * The time after which a request of a client with closed registration is answered, whether or not a message was sent. It
 * is longer than a message takes, so that the time does not show who has an account.
 */
export const NEUTRAL_ANSWER_MS = 1_500;

/**
 * Runs the delivery of a message that only existing users get. Its time and its failure do not show whether there was a
 * message to send.
 * @param deliver gets the deadline of the message, epoch milliseconds
 */
export async function answerNeutrally(
  { log }: Pick<Core, "log">,
  type: IdentifierType,
  deliver: (deadline: number) => Promise<void>,
): Promise<void> {
  const end = Date.now() + NEUTRAL_ANSWER_MS;
  await deliver(end).catch((error: unknown) => {
    const detail = error instanceof NestError ? error.detail : undefined;
    log.warn("code_not_delivered", { type, detail });
  });
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, end - Date.now())));
}
