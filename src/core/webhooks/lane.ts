import { setTimeout as sleep } from "node:timers/promises";
import { plusSeconds } from "#core/clock.ts";
import type { Core } from "#core/core.ts";
import {
  type AttemptCore,
  attemptDelivery,
  openSecrets,
  type Sendable,
  type Sender,
} from "#core/webhooks/attempt.ts";

export type LaneCore = AttemptCore & Pick<Core, "webhookMessages">;

/** The limits of one run. */
export interface LaneLimits {
  /** Epoch milliseconds after which no attempt is begun. */
  deadline: number;
  /** How long a lane waits for deliveries that fall due soon, in milliseconds: the second attempt follows after 5 s. */
  patienceMs: number;
}

/** The most requests at once to one webhook. One run sends to it, so that this holds for all runs together. */
export const REQUESTS_AT_ONCE = 5;
/** As long as a run can take. After it, other runs send to a webhook whose run crashed. */
const LANE_SECONDS = 60;
/** The part of it in which no attempt is begun: longer than an attempt and its writes. */
const LAST_ATTEMPT_SECONDS = 18;
/** How often a lane that waits looks for deliveries that other runs added. */
const LOOK_MS = 500;
/** Deliveries that are read at once. */
const PAGE = 50;

/**
 * Sends the deliveries of one webhook that are due, and those that fall due while it waits, unless another run does. It has a limited
 * number of requests at once, so that a receiver that hangs holds up its own messages only.
 * @param counts are increased
 * @throws NestError unavailable if a secret can't be decrypted or the database fails. Requests that run are awaited first
 */
export async function runLane(
  core: LaneCore,
  webhookId: string,
  limits: LaneLimits,
  counts: Sender["counts"],
): Promise<void> {
  const patientUntil = Math.min(limits.deadline, Date.now() + limits.patienceMs);
  let isDue = true;
  // Once more if a run left a delivery to this one after this one had seen that nothing was due.
  while (isDue && Date.now() < limits.deadline) {
    const owner = crypto.randomUUID();
    const now = core.clock.now();
    const lease = { now: now.toISOString(), until: plusSeconds(now, LANE_SECONDS).toISOString() };
    const webhook = await core.webhooks.claimLane(webhookId, owner, lease);
    if (webhook === null) return;
    try {
      // Before anything is claimed, so that nothing is held up once the key is there again.
      openSecrets(core, webhook);
      const deadline = Math.min(limits.deadline, Date.now() + (LANE_SECONDS - LAST_ATTEMPT_SECONDS) * 1000);
      const sender = { webhookId, isClosed: false, counts };
      await sendPatiently(core, sender, { deadline, patientUntil });
    } finally {
      await core.webhooks.releaseLane(webhookId, owner);
    }
    isDue = (await dueInMs(core, webhookId, 0)) !== null;
  }
}

/** Sends what is due, and what falls due before `patientUntil`. */
async function sendPatiently(
  core: LaneCore,
  sender: Sender,
  { deadline, patientUntil }: { deadline: number; patientUntil: number },
): Promise<void> {
  for (;;) {
    await sendDue(core, sender, deadline);
    const leftMs = Math.min(deadline, patientUntil) - Date.now();
    if (sender.isClosed || leftMs <= 0) return;
    const waitMs = await dueInMs(core, sender.webhookId, leftMs);
    if (waitMs === null) return;
    await sleep(Math.min(Math.max(1, waitMs), LOOK_MS));
  }
}

/** @returns in how many milliseconds the next delivery is due; null if that is later than `withinMs` */
async function dueInMs(core: LaneCore, webhookId: string, withinMs: number): Promise<number | null> {
  const now = core.clock.now();
  const until = plusSeconds(now, withinMs / 1000).toISOString();
  const [next] = await core.webhookDeliveries.listDue(webhookId, until, 1);
  return next ? Date.parse(next.nextAttemptAt ?? "") - now.getTime() : null;
}

/** Sends what is due by several workers. @throws what a worker threw, after all have ended */
async function sendDue(core: LaneCore, sender: Sender, deadline: number): Promise<void> {
  const queue = new DueQueue(core, sender.webhookId);
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
