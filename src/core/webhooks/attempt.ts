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
import { signingSecrets } from "#core/webhooks/rotate_secret.ts";
import { signedHeaders } from "#core/webhooks/sign_message.ts";
import type { WebhookKeys } from "#core/webhooks/webhook_keys.ts";

export type AttemptCore = Pick<Core, "clock" | "log" | "random" | "webhookDeliveries" | "webhooks"> & {
  receiver: Receiver;
  webhookKeys: WebhookKeys;
};

/** One run that sends to one webhook. */
export interface Sender {
  webhookId: string;
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

/** The secrets that sign now, `whsec_...`, the newest first. @throws NestError unavailable if one can't be decrypted */
export const openSecrets = ({ clock, webhookKeys }: AttemptCore, webhook: Webhook): string[] =>
  signingSecrets(webhook, clock.now()).map(({ value }) => webhookKeys.open(webhook._id, value));

/**
 * Makes one attempt, unless another run makes it. The webhook is read for each attempt, so that a URL and a secret that an administrator
 * replaced, and a webhook that was disabled, count from the next request on.
 */
export async function attemptDelivery(core: AttemptCore, sender: Sender, due: Sendable): Promise<void> {
  const leasedUntil = plusSeconds(core.clock.now(), LEASE_SECONDS).toISOString();
  const [claimed, webhook] = await Promise.all([
    core.webhookDeliveries.claim(due.delivery, leasedUntil),
    core.webhooks.find(sender.webhookId),
  ]);
  if (!webhook?.enabled) sender.isClosed = true;
  if (claimed === null) return;
  if (!webhook?.enabled || due.message === null) return core.webhookDeliveries.abandonOne(claimed._id);
  const now = core.clock.now();
  const startedAt = Date.now();
  const { body } = due.message;
  const headers = signedHeaders(due.message, now, openSecrets(core, webhook));
  const reply = await core.receiver.post({ url: webhook.url, headers, body });
  const attempt = attemptOf(reply, now, Date.now() - startedAt);
  await core.webhookDeliveries.settle(claimed, outcomeOf(core, claimed, attempt, reply));
  await recordHealth(core, sender, { webhook, attempt });
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
  // Also after 410: what waits is abandoned when the webhook is disabled, unless its URL was replaced meanwhile.
  const next =
    attempt.error === null ? null : nextAttemptAt(tries, { now: clock.now(), retryAfter, random: random() });
  return { attempt, next };
}

/** Records whether the receiver answers, and disables a webhook that does not want or get messages. */
async function recordHealth(
  core: AttemptCore,
  sender: Sender,
  { webhook, attempt }: { webhook: Webhook; attempt: DeliveryAttempt },
): Promise<void> {
  const { failingSince } = webhook;
  if (attempt.error === null) {
    sender.counts.delivered++;
    if (failingSince !== null) await core.webhooks.markHealthy(webhook);
    return;
  }
  sender.counts.refused++;
  const failedBefore = plusSeconds(core.clock.now(), -FAILING_SECONDS).toISOString();
  if (failingSince === null) await core.webhooks.markFailing(webhook, attempt.at);
  if (attempt.status === GONE) sender.isClosed ||= await disable(core, webhook, "gone");
  else if (failingSince !== null && failingSince <= failedBefore)
    sender.isClosed ||= await disable(core, webhook, "failing", failedBefore);
}

/** @returns false if it was disabled or deleted before, has another URL, or has answered meanwhile */
async function disable(
  core: AttemptCore,
  webhook: Webhook,
  reason: DisabledReason,
  failedBefore?: string,
): Promise<boolean> {
  const { _id } = webhook;
  const at = core.clock.now().toISOString();
  const events = [webhookDisabled(_id, reason, BY_DELIVERY, at)];
  if (!(await core.webhooks.disable(webhook, reason, { at, events }, failedBefore))) return false;
  core.log.warn("webhook_disabled", { webhook_id: _id, reason });
  await core.webhookDeliveries.abandon([_id]);
  return true;
}
