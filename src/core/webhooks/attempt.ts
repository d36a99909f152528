import { DAY, plusSeconds } from "#core/clock.ts";
import type { Core } from "#core/core.ts";
import { byJob } from "#core/events/event_source.ts";
import { webhookDisabled } from "#core/events/webhook_events.ts";
import type {
  AttemptOutcome,
  DeliveryAttempt,
  WebhookDelivery,
} from "#core/repositories/webhook_deliveries.ts";
import type { DisabledReason, Webhook } from "#core/repositories/webhook_document.ts";
import type { WebhookMessage } from "#core/repositories/webhook_messages.ts";
import type { Receiver, ReceiverReply } from "#core/services/receiver.ts";
import { nextAttemptAt } from "#core/webhooks/retry_schedule.ts";
import { signedHeaders } from "#core/webhooks/sign_message.ts";

export type AttemptCore = Pick<Core, "clock" | "log" | "random" | "webhookDeliveries" | "webhooks"> & {
  receiver: Receiver;
};

/** A webhook as one run sends to it. */
export interface Sender {
  webhook: Webhook;
  /** `whsec_...`, the newest first. */
  secrets: readonly string[];
  /** Set once the webhook gets no more messages. */
  isClosed: boolean;
  counts: { delivered: number; refused: number };
}

/** A delivery with its message, which is null after it was removed. */
export interface Sendable {
  delivery: WebhookDelivery;
  message: WebhookMessage | null;
}

/** Longer than an attempt and its writes. After it, an attempt of a run that crashed is made again. */
const LEASE_SECONDS = 60;
/** A webhook whose every delivery failed for so long is disabled. */
const FAILING_SECONDS = 5 * DAY;
/** The receiver wants no more messages (Standard Webhooks). */
const GONE = 410;

const BY_DELIVERY = byJob("deliver_webhooks");

/** Makes one attempt, unless another run makes it. */
export async function attemptDelivery(core: AttemptCore, sender: Sender, due: Sendable): Promise<void> {
  const leasedUntil = plusSeconds(core.clock.now(), LEASE_SECONDS).toISOString();
  const claimed = await core.webhookDeliveries.claim(due.delivery, leasedUntil);
  if (claimed === null) return;
  if (due.message === null) return core.webhookDeliveries.abandonOne(claimed._id);
  const now = core.clock.now();
  const startedAt = Date.now();
  const { body } = due.message;
  const headers = signedHeaders(due.message, now, sender.secrets);
  const reply = await core.receiver.post({ url: sender.webhook.url, headers, body });
  const attempt = attemptOf(reply, now, Date.now() - startedAt);
  await core.webhookDeliveries.settle(claimed, outcomeOf(core, claimed, attempt, reply));
  await recordHealth(core, sender, attempt);
}

/** What an attempt was, without I/O. 2xx is a success; a redirect is a failure. */
export function attemptOf(reply: ReceiverReply, at: Date, durationMs: number): DeliveryAttempt {
  const status = "status" in reply ? reply.status : null;
  const isSuccess = status !== null && status >= 200 && status < 300;
  const error = "error" in reply ? reply.error : isSuccess ? null : ("status" as const);
  return { at: at.toISOString(), status, error, durationMs };
}

function outcomeOf(
  { clock, random }: Pick<AttemptCore, "clock" | "random">,
  { tries }: WebhookDelivery,
  attempt: DeliveryAttempt,
  reply: ReceiverReply,
): AttemptOutcome {
  const retryAfter = "status" in reply ? reply.retryAfter : null;
  const isLast = attempt.error === null || attempt.status === GONE;
  const next = isLast ? null : nextAttemptAt(tries, { now: clock.now(), retryAfter, random: random() });
  return { attempt, next };
}

/** Records whether the receiver answers, and disables a webhook that does not want or get messages. */
async function recordHealth(core: AttemptCore, sender: Sender, attempt: DeliveryAttempt): Promise<void> {
  const { _id, failingSince } = sender.webhook;
  if (attempt.error === null) {
    sender.counts.delivered++;
    if (failingSince !== null) await core.webhooks.markHealthy(_id);
    sender.webhook = { ...sender.webhook, failingSince: null };
    return;
  }
  sender.counts.refused++;
  if (attempt.status === GONE) return disable(core, sender, "gone");
  if (failingSince === null) await core.webhooks.markFailing(_id, attempt.at);
  sender.webhook = { ...sender.webhook, failingSince: failingSince ?? attempt.at };
  const failedBefore = plusSeconds(core.clock.now(), -FAILING_SECONDS).toISOString();
  if (failingSince !== null && failingSince <= failedBefore)
    await disable(core, sender, "failing", failedBefore);
}

async function disable(
  core: AttemptCore,
  sender: Sender,
  reason: DisabledReason,
  failedBefore?: string,
): Promise<void> {
  const { _id } = sender.webhook;
  const at = core.clock.now().toISOString();
  const events = [webhookDisabled(_id, reason, BY_DELIVERY, at)];
  const isDisabled = await core.webhooks.disable(_id, reason, { at, events }, failedBefore);
  sender.isClosed = reason === "gone" || isDisabled;
  if (!isDisabled) return;
  core.log.warn("webhook_disabled", { webhook_id: _id, reason });
  await core.webhookDeliveries.abandon([_id]);
}
