import { AsyncLocalStorage } from "node:async_hooks";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { OpenCore } from "#core/core.ts";
import { type IoOperation, interceptIo } from "#tests/support/io_interceptor.ts";

/** An I/O operation that waits for its release. */
interface Waiting {
  call: number;
  operation: IoOperation;
  release: () => Promise<unknown>;
}

export interface Scheduled<Result> {
  results: Result[];
  /** Every I/O operation in the order in which it ran, such as `2 RefreshTokenRepository.rotate`. */
  order: string[];
}

export interface Scheduler {
  intercept(open: OpenCore): OpenCore;
  /**
   * Runs calls concurrently, releasing one I/O operation at a time. The same choices give the same order.
   * @param choices which of the waiting operations runs next, modulo their number; the first where a number is missing
   */
  run<Result>(calls: (() => Promise<Result>)[], choices: readonly number[]): Promise<Scheduled<Result>>;
}

/** A call starts its parallel operations within this many turns of the event loop. */
const TURNS = 3;

/** Lets a test decide the order in which concurrent calls do their I/O. */
export function createScheduler(): Scheduler {
  const current = new AsyncLocalStorage<number>();
  const waiting: Waiting[] = [];
  const running = new Set<number>();

  const hold = (operation: IoOperation, work: () => Promise<unknown>) => {
    const call = current.getStore();
    if (call === undefined) return work();
    return new Promise<unknown>((resolve, reject) => {
      const release = () => work().then(resolve, reject);
      waiting.push({ call, operation, release });
    });
  };

  const untilAllWait = async () => {
    for (let turn = 0; turn < TURNS; turn++) {
      await nextTurn();
      const isBusy = [...running].some((call) => !waiting.some((other) => other.call === call));
      if (isBusy) turn = 0;
    }
  };

  return {
    intercept: (open) => interceptIo(open, hold),
    async run(calls, choices) {
      const order: string[] = [];
      const results = calls.map((call, number) => {
        running.add(number);
        return current.run(number, call).finally(() => running.delete(number));
      });
      const all = Promise.allSettled(results);
      for (let step = 0; ; step++) {
        await untilAllWait();
        if (waiting.length === 0) break;
        const [next] = waiting.splice((choices[step] ?? 0) % waiting.length, 1);
        order.push(`${(next as Waiting).call + 1} ${next?.operation.name}`);
        await next?.release();
      }
      await all;
      return { results: await Promise.all(results), order };
    },
  };
}
