import { setTimeout as sleep } from "node:timers/promises";
import { plusSeconds } from "#core/clock.ts";
import type { Core } from "#core/core.ts";
import type { Webhook } from "#core/repositories/webhook_document.ts";
import { type AttemptCore, attemptDelivery, type Sendable, type Sender } from "#core/webhooks/attempt.ts";
import { signingSecrets } from "#core/webhooks/rotate_secret.ts";
import type { WebhookKeys } from "#core/webhooks/webhook_keys.ts";

export type LaneCore = AttemptCore & Pick<Core, "webhookMessages"> & { webhookKeys: WebhookKeys };

/** The limits of one run. */
export interface LaneLimits {
  /** Epoch milliseconds after which no attempt is begun. */
  deadline: number;
  /** How long a lane waits for deliveries that fall due soon, in milliseconds: the second attempt follows after 5 s. */
  patienceMs: number;
}

/** The most requests at once that one run sends to one webhook. */
export const REQUESTS_AT_ONCE = 5;
/** Deliveries that are read at once. */
const PAGE = 50;

/**
 * Sends the deliveries of one webhook that are due, and those that fall due while it waits. It has a limited number of requests at
 * once, so that a receiver that hangs holds up its own messages only.
 * @param counts are increased
 * @throws NestError unavailable if a secret can't be decrypted or the database fails. Requests that run are awaited first
 */
export async function runLane(
  core: LaneCore,
  webhook: Webhook,
  limits: LaneLimits,
  counts: Sender["counts"],
): Promise<void> {
  const secrets = signingSecrets(webhook, core.clock.now()).map(({ value }) =>
    core.webhookKeys.open(webhook._id, value),
  );
  const sender: Sender = { webhook, secrets, isClosed: false, counts };
  const patientUntil = Math.min(limits.deadline, Date.now() + limits.patienceMs);
  for (;;) {
    await sendDue(core, sender, limits.deadline);
    const dueInMs = sender.isClosed ? null : await nextDueInMs(core, webhook, patientUntil);
    if (dueInMs === null) return;
    await sleep(dueInMs);
  }
}

/** @returns in how many milliseconds the next delivery is due; null if that is after `patientUntil` */
async function nextDueInMs(core: LaneCore, { _id }: Webhook, patientUntil: number): Promise<number | null> {
  const leftMs = patientUntil - Date.now();
  if (leftMs <= 0) return null;
  const now = core.clock.now();
  const [next] = await core.webhookDeliveries.listDue(_id, plusSeconds(now, leftMs / 1000).toISOString(), 1);
  return next ? Math.max(1, Date.parse(next.nextAttemptAt ?? "") - now.getTime()) : null;
}

/** Sends what is due by several workers. @throws what a worker threw, after all have ended */
async function sendDue(core: LaneCore, sender: Sender, deadline: number): Promise<void> {
  const queue = new DueQueue(core, sender.webhook._id);
  const work = async () => {
    while (!sender.isClosed && Date.now() < deadline) {
      const next = await queue.take();
      if (next === null) return;
      await attemptDelivery(core, sender, next);
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: REQUESTS_AT_ONCE }, work));
  for (const one of ended) if (one.status === "rejected") throw one.reason;
}

/** The deliveries of a webhook that are due, read in pages with their messages. Its users share one read. */
class DueQueue {
  readonly #core: LaneCore;
  readonly #webhookId: string;
  readonly #ready: Sendable[] = [];
  #filling: Promise<void> | null = null;

  constructor(core: LaneCore, webhookId: string) {
    this.#core = core;
    this.#webhookId = webhookId;
  }

  /** @returns null if nothing is due */
  async take(): Promise<Sendable | null> {
    if (this.#ready.length === 0) {
      this.#filling ??= this.#fill().finally(() => {
        this.#filling = null;
      });
      await this.#filling;
    }
    return this.#ready.shift() ?? null;
  }

  async #fill(): Promise<void> {
    const now = this.#core.clock.now().toISOString();
    const due = await this.#core.webhookDeliveries.listDue(this.#webhookId, now, PAGE);
    const messages = await this.#core.webhookMessages.listByIds(due.map(({ messageId }) => messageId));
    const byId = new Map(messages.map((message) => [message._id, message]));
    this.#ready.push(...due.map((delivery) => ({ delivery, message: byId.get(delivery.messageId) ?? null })));
  }
}
