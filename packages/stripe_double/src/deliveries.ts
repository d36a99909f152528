import { createHmac } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { exchanges, type ForcedFields } from "./exchanges.ts";
import { seededRandom, shuffled } from "./random.ts";
import type { DoubleEvent } from "./types.ts";

/** How events travel. */
export interface DeliveryBehaviour {
  /** How many more copies of every event are sent. */
  duplicates?: number;
  /** A seed: events of the same moment are sent in an order that it decides. */
  shuffle?: number | null;
  /** Events wait in `held` until somebody takes them. */
  isHeld?: boolean;
}

/** One try of one event. */
export interface DeliveryAttempt {
  event: string;
  type: string;
  attempt: number;
  /** Null when no answer came. */
  status: number | null;
}

export interface Deliveries {
  add(event: DoubleEvent): void;
  to(url: string | null): void;
  hasTarget(): boolean;
  behave(behaviour: DeliveryBehaviour): void;
  /** Events that wait to be taken, oldest first. */
  held: DoubleEvent[];
  attempts: DeliveryAttempt[];
  /** Events that were given up after the last try. */
  failed: DoubleEvent[];
  /** Sends the held events as if they had just happened. */
  release(): void;
  /** Sends one event once, and answers the status; null when no answer came. */
  send(event: DoubleEvent): Promise<number | null>;
  sign(event: object): SignedEvent;
  /** Resolves when nothing is under way and no further try is due. */
  settled(): Promise<void>;
  /** Forgets everything that was to be sent. */
  reset(): void;
  close(): Promise<void>;
}

export interface SignedEvent {
  body: string;
  /** The `stripe-signature` header. */
  header: string;
}

export interface DeliveryOptions {
  secret: string;
  /** The time in signatures, in milliseconds. */
  signedAt: () => number;
  /** The wait before each further try, in milliseconds. */
  retryDelays: readonly number[];
  forced: ForcedFields;
}

const ANSWER_TIMEOUT_MS = 10_000;
/** Events that happen together get this long to come together, where their order is shuffled. */
const GATHERING_MS = 10;
const AT_ONCE = 4;

/** Posts events as Stripe does: signed, at least once, several at a time, again when the answer is not 2xx. */
export function createDeliveries({ secret, signedAt, retryDelays, forced }: DeliveryOptions): Deliveries {
  const attempts: DeliveryAttempt[] = [];
  const held: DoubleEvent[] = [];
  const failed: DoubleEvent[] = [];
  const queue: DoubleEvent[] = [];
  const pending = new Set<Promise<void>>();
  let target: string | null = null;
  let behaviour: DeliveryBehaviour = {};
  let random = seededRandom(0);
  let stop = new AbortController();
  let running = 0;

  function sign(event: object): SignedEvent {
    const body = JSON.stringify(event);
    exchanges.publish({ kind: "event", body, forced });
    const stamp = Math.floor(signedAt() / 1000);
    const signature = createHmac("sha256", secret).update(`${stamp}.${body}`).digest("hex");
    return { body, header: `t=${stamp},v1=${signature}` };
  }

  async function post(event: DoubleEvent, attempt: number): Promise<number | null> {
    if (target === null) return null;
    const { body, header } = sign(event);
    const { signal } = stop;
    let status: number | null = null;
    try {
      const response = await fetch(target, {
        method: "POST",
        headers: {
          "content-type": "application/json; charset=utf-8",
          "stripe-signature": header,
          "user-agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        },
        body,
        signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]),
      });
      await response.arrayBuffer();
      status = response.status;
    } catch {
      // No answer is one that Stripe tries again, like any other failure.
    }
    if (!signal.aborted) attempts.push({ event: event.id, type: event.type, attempt, status });
    return status;
  }

  async function deliver(event: DoubleEvent): Promise<void> {
    const { signal } = stop;
    for (let attempt = 1; !signal.aborted; attempt++) {
      const status = await post(event, attempt);
      if (signal.aborted || (status !== null && status < 300)) return;
      const delay = retryDelays[attempt - 1];
      if (delay === undefined) return void failed.push(event);
      // Whoever waits gives its place to the others.
      running--;
      pump();
      await wait(delay, undefined, { signal }).catch(() => {});
      running++;
    }
  }

  function pump(): void {
    while (running < AT_ONCE) {
      const event = queue.shift();
      if (event === undefined) return;
      running++;
      track(
        deliver(event).finally(() => {
          running--;
          pump();
        }),
      );
    }
  }

  function track(work: Promise<void>): void {
    pending.add(work);
    void work.finally(() => pending.delete(work));
  }

  let gathered: DoubleEvent[] = [];
  function enqueue(events: readonly DoubleEvent[]): void {
    if (target === null) return;
    const copies = events.flatMap((event) => Array(1 + (behaviour.duplicates ?? 0)).fill(event));
    if (typeof behaviour.shuffle !== "number") {
      queue.push(...copies);
      pump();
      return;
    }
    gathered.push(...copies);
    if (gathered.length > copies.length) return;
    track(gather());
  }

  async function gather(): Promise<void> {
    await wait(GATHERING_MS, undefined, { signal: stop.signal }).catch(() => {});
    queue.push(...shuffled(gathered, random));
    gathered = [];
    pump();
  }

  function reset(): void {
    stop.abort();
    stop = new AbortController();
    for (const list of [queue, gathered, held, failed, attempts]) list.splice(0);
  }

  async function settled(): Promise<void> {
    while (pending.size > 0) await Promise.allSettled(pending);
  }

  return {
    attempts,
    failed,
    held,
    sign,
    reset,
    settled,
    to(url) {
      target = url;
    },
    hasTarget: () => target !== null,
    behave(next) {
      behaviour = { ...behaviour, ...next };
      random = seededRandom(behaviour.shuffle ?? 0);
    },
    add(event) {
      if (behaviour.isHeld) held.push(event);
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
