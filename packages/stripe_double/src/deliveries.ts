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
  /** The HTTP status, or null when there was no response. */
  status: number | null;
}

export interface DeliveryOptions extends SigningOptions {
  /** The wait before each retry, in milliseconds. */
  retryDelaysMs: readonly number[];
}

/** How long events are collected before they are shuffled. */
const SHUFFLE_WINDOW_MS = 10;
const CONCURRENT_DELIVERIES = 4;

/** Posts events as Stripe does: signed, at least once, four at a time, and again when the response is not 2xx. */
export class Deliveries {
  readonly attempts: DeliveryAttempt[] = [];
  /** Events that are not sent because deliveries are held, oldest first. */
  readonly held: DoubleEvent[] = [];
  /** Events whose last retry failed. */
  readonly failed: DoubleEvent[] = [];
  /** The URL that events are posted to. With null, events are not sent. */
  target: string | null = null;
  readonly #retryDelaysMs: readonly number[];
  readonly #signing: SigningOptions;
  readonly #queue: DoubleEvent[] = [];
  readonly #pending = new Set<Promise<void>>();
  #toShuffle: DoubleEvent[] = [];
  #behavior: DeliveryBehavior = {};
  #random = seededRandom(0);
  #stop = new AbortController();
  #running = 0;

  constructor({ retryDelaysMs, ...signing }: DeliveryOptions) {
    this.#retryDelaysMs = retryDelaysMs;
    this.#signing = signing;
  }

  /** Changes the given settings and keeps the others. */
  configure(behavior: DeliveryBehavior): void {
    this.#behavior = { ...this.#behavior, ...behavior };
    this.#random = seededRandom(this.#behavior.shuffle ?? 0);
  }

  /** Sends or holds an event. */
  add(event: DoubleEvent): void {
    if (this.#behavior.isHeld) this.held.push(event);
    else this.#enqueue([event]);
  }

  /** Sends the held events. */
  release(): void {
    this.#enqueue(this.held.splice(0));
  }

  /** Sends one event once. Returns the HTTP status, or null when there was no response. */
  send(event: DoubleEvent): Promise<number | null> {
    return this.#post(event, 1);
  }

  sign(event: object): SignedEvent {
    return signEvent(event, this.#signing);
  }

  /** Resolves when no delivery is running and no retry is due. */
  async settled(): Promise<void> {
    while (this.#pending.size > 0) await Promise.allSettled(this.#pending);
  }

  /** Stops all deliveries and forgets all events. */
  reset(): void {
    this.#stop.abort();
    this.#stop = new AbortController();
    for (const list of [this.#queue, this.#toShuffle, this.held, this.failed, this.attempts]) list.splice(0);
  }

  async close(): Promise<void> {
    this.reset();
    this.target = null;
    await this.settled();
  }

  async #post(event: DoubleEvent, attempt: number): Promise<number | null> {
    if (this.target === null) return null;
    const { signal } = this.#stop;
    const status = await postEvent(event, this.target, this.#signing, signal);
    if (!signal.aborted) this.attempts.push({ event: event.id, type: event.type, attempt, status });
    return status;
  }

  async #deliver(event: DoubleEvent): Promise<void> {
    const { signal } = this.#stop;
    for (let attempt = 1; !signal.aborted; attempt++) {
      const status = await this.#post(event, attempt);
      if (signal.aborted || (status !== null && status < 300)) return;
      const delayMs = this.#retryDelaysMs[attempt - 1];
      if (delayMs === undefined) return void this.failed.push(event);
      // A delivery that waits for its retry does not count as concurrent.
      this.#running--;
      this.#startQueued();
      await wait(delayMs, undefined, { signal }).catch(() => {});
      this.#running++;
    }
  }

  #startQueued(): void {
    while (this.#running < CONCURRENT_DELIVERIES) {
      const event = this.#queue.shift();
      if (event === undefined) return;
      this.#running++;
      this.#track(
        this.#deliver(event).finally(() => {
          this.#running--;
          this.#startQueued();
        }),
      );
    }
  }

  #track(work: Promise<void>): void {
    this.#pending.add(work);
    void work.finally(() => this.#pending.delete(work));
  }

  #enqueue(events: readonly DoubleEvent[]): void {
    if (this.target === null) return;
    const copies = events.flatMap((event) => Array(1 + (this.#behavior.duplicates ?? 0)).fill(event));
    if (typeof this.#behavior.shuffle !== "number") {
      this.#queue.push(...copies);
      this.#startQueued();
      return;
    }
    const isWindowOpen = this.#toShuffle.length > 0;
    this.#toShuffle.push(...copies);
    if (!isWindowOpen) this.#track(this.#shuffleAfterWindow());
  }

  async #shuffleAfterWindow(): Promise<void> {
    await wait(SHUFFLE_WINDOW_MS, undefined, { signal: this.#stop.signal }).catch(() => {});
    this.#queue.push(...shuffled(this.#toShuffle, this.#random));
    this.#toShuffle = [];
    this.#startQueued();
  }
}
