import type { Core } from "#core/core.ts";
import { describeFailure } from "#core/log.ts";
import type { Webhook } from "#core/repositories/webhook_document.ts";
import { type NoticeCore, sendDisabledNotice } from "#core/webhooks/disabled_notice.ts";
import { type LaneCore, type LaneLimits, runLane } from "#core/webhooks/lane.ts";

export type DeliverCore = LaneCore & NoticeCore & Pick<Core, "log">;

/** What a run did. */
export interface DeliverOutcome {
  /** Deliveries that succeeded. */
  delivered: number;
  /** Attempts that failed because of the receiver. */
  refused: number;
  /** Webhooks whose deliveries could not be sent because of Nest. */
  failed: number;
}

/**
 * Sends every delivery that is due. Each webhook has its own limited number of requests at once, so that a receiver that hangs delays
 * no other. Several runs may overlap: one of them sends to a webhook, and each attempt is claimed by one conditional update.
 */
export async function deliverWebhooks(core: DeliverCore, limits: LaneLimits): Promise<DeliverOutcome> {
  // Deliveries that an interrupted call left, or that were made while the webhook was being disabled.
  await core.webhookDeliveries.abandon(await core.webhooks.listSilent());
  const outcome: DeliverOutcome = { delivered: 0, refused: 0, failed: 0 };
  const webhooks = await core.webhooks.list();
  const work = async (webhook: Webhook) => {
    try {
      if (webhook.enabled) await runLane(core, webhook._id, limits, outcome);
      await sendDisabledNotice(core, webhook);
    } catch (error) {
      outcome.failed++;
      core.log.error("webhook_not_worked", { webhook_id: webhook._id, ...describeFailure(error) });
    }
  };
  await Promise.all(webhooks.map(work));
  return outcome;
}
