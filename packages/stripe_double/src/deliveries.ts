import { setTimeout as wait } from "node:timers/promises";
import { seededRandom, shuffled } from "./random.ts";
import type { DoubleEvent } from "./types.ts";
import { postEvent, type SignedEvent, type SigningOptions, signEvent } from "./webhook_sender.ts";

/** How events are delivered. */
export interface DeliveryBehavior {
  /** The number of extra copies of every event. */
  duplicates?: number;
  /** Sends events that occur together in a random order, which this seed determines. Null keeps their order. */
  shuffle?: number | null;
  /** Collects events in `held` instead of sending them. */
  isHeld?: boolean;
}

/** One attempt to deliver one event. */
export interface DeliveryAttempt {
  event: string;
  type: string;
  /** 1 for the first attempt. */
  attempt: number;
  /** The HTTP status, or null when there was no answer. */
  status: number | null;
}

export interface Deliveries {
  /** Sends or holds an event. */
  add(event: DoubleEvent): void;
  /** Sets the URL that events are posted to. With null, events are not sent. */
  to(url: string | null): void;
  hasTarget(): boolean;
  /** Changes the given settings and keeps the others. */
  configure(behavior: DeliveryBehavior): void;
  /** Events that are not sent because deliveries are held, oldest first. */
  held: DoubleEvent[];
  attempts: DeliveryAttempt[];
  /** Events whose last retry failed. */
  failed: DoubleEvent[];
  /** Sends the held events. */
  release(): void;
  /** Sends one event once. Returns the HTTP status, or null when there was no answer. */
  send(event: DoubleEvent): Promise<number | null>;
  sign(event: object): SignedEvent;
  /** Resolves when no delivery is running and no retry is due. */
  settled(): Promise<void>;
  /** Stops all deliveries and forgets all events. */
  reset(): void;
  close(): Promise<void>;
}

export interface DeliveryOptions extends SigningOptions {
  /** The wait before each retry, in milliseconds. */
  retryDelaysMs: readonly number[];
}

/** How long events are collected before they are shuffled. */
const SHUFFLE_WINDOW_MS = 10;
const CONCURRENT_DELIVERIES = 4;

/** Posts events as Stripe does: signed, at least once, four at a time, and again when the answer is not 2xx. */
export function createDeliveries({ retryDelaysMs, ...signing }: DeliveryOptions): Deliveries {
  const attempts: DeliveryAttempt[] = [];
  const held: DoubleEvent[] = [];
  const failed: DoubleEvent[] = [];
  const queue: DoubleEvent[] = [];
  const pending = new Set<Promise<void>>();
  let toShuffle: DoubleEvent[] = [];
  let target: string | null = null;
  let behavior: DeliveryBehavior = {};
  let random = seededRandom(0);
  let stop = new AbortController();
  let running = 0;

  async function post(event: DoubleEvent, attempt: number): Promise<number | null> {
    if (target === null) return null;
    const { signal } = stop;
    const status = await postEvent(event, target, signing, signal);
    if (!signal.aborted) attempts.push({ event: event.id, type: event.type, attempt, status });
    return status;
  }

  async function deliver(event: DoubleEvent): Promise<void> {
    const { signal } = stop;
    for (let attempt = 1; !signal.aborted; attempt++) {
      const status = await post(event, attempt);
      if (signal.aborted || (status !== null && status < 300)) return;
      const delayMs = retryDelaysMs[attempt - 1];
      if (delayMs === undefined) return void failed.push(event);
      // A delivery that waits for its retry does not count as concurrent.
      running--;
      startQueued();
      await wait(delayMs, undefined, { signal }).catch(() => {});
      running++;
    }
  }

  function startQueued(): void {
    while (running < CONCURRENT_DELIVERIES) {
      const event = queue.shift();
      if (event === undefined) return;
      running++;
      track(
        deliver(event).finally(() => {
          running--;
          startQueued();
        }),
      );
    }
  }

  function track(work: Promise<void>): void {
    pending.add(work);
    void work.finally(() => pending.delete(work));
  }

  function enqueue(events: readonly DoubleEvent[]): void {
    if (target === null) return;
    const copies = events.flatMap((event) => Array(1 + (behavior.duplicates ?? 0)).fill(event));
    if (typeof behavior.shuffle !== "number") {
      queue.push(...copies);
      startQueued();
      return;
    }
    const isWindowOpen = toShuffle.length > 0;
    toShuffle.push(...copies);
    if (!isWindowOpen) track(shuffleAfterWindow());
  }

  async function shuffleAfterWindow(): Promise<void> {
    await wait(SHUFFLE_WINDOW_MS, undefined, { signal: stop.signal }).catch(() => {});
    queue.push(...shuffled(toShuffle, random));
    toShuffle = [];
    startQueued();
  }

  function reset(): void {
    stop.abort();
    stop = new AbortController();
    for (const list of [queue, toShuffle, held, failed, attempts]) list.splice(0);
  }

  async function settled(): Promise<void> {
    while (pending.size > 0) await Promise.allSettled(pending);
  }

  return {
    attempts,
    failed,
    held,
    reset,
    settled,
    sign: (event) => signEvent(event, signing),
    to(url) {
      target = url;
    },
    hasTarget: () => target !== null,
    configure(next) {
      behavior = { ...behavior, ...next };
      random = seededRandom(behavior.shuffle ?? 0);
    },
    add(event) {
      if (behavior.isHeld) held.push(event);
      else enqueue([event]);
    },
    release: () => enqueue(held.splice(0)),
    send: (event) => post(event, 1),
    async close() {
      reset();
      target = null;
      await settled();
    },
  };
}
