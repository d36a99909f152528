import { AsyncLocalStorage } from "node:async_hooks";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { OpenCore } from "#core/core.ts";
import { type Errand, guarded } from "#tests/support/guarded.ts";

/** What a call is about to do, which waits for its turn. */
interface Waiting {
  call: number;
  errand: Errand;
  go: () => Promise<unknown>;
}

/** How several calls at once went. */
export interface Interleaved<Result> {
  results: Result[];
  /** Every errand in the order in which it was done, such as `2 RefreshTokenRepository.rotate`. */
  order: string[];
}

export interface Turnstile {
  guard(open: OpenCore): OpenCore;
  /**
   * Makes calls at once, of whose errands one is done at a time. The same choices lead to the same order.
   * @param choices which of those that wait goes next; the first one where there is no number
   */
  run<Result>(calls: (() => Promise<Result>)[], choices: readonly number[]): Promise<Interleaved<Result>>;
}

/** Errands that a call does side by side come within so many turns of each other. */
const TURNS = 3;

/** Lets a test decide in which order calls that run at once reach the world. */
export function createTurnstile(): Turnstile {
  const current = new AsyncLocalStorage<number>();
  const waiting: Waiting[] = [];
  const running = new Set<number>();

  const pass = (errand: Errand, work: () => Promise<unknown>) => {
    const call = current.getStore();
    if (call === undefined) return work();
    return new Promise<unknown>((resolve, reject) => {
      const go = () => work().then(resolve, reject);
      waiting.push({ call, errand, go });
    });
  };

  /** Until every call that is under way waits for its turn. */
  const untilAllWait = async () => {
    for (let turn = 0; turn < TURNS; turn++) {
      await nextTurn();
      const isBusy = [...running].some((call) => !waiting.some((other) => other.call === call));
      if (isBusy) turn = 0;
    }
  };

  return {
    guard: (open) => guarded(open, pass),
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
        order.push(`${(next as Waiting).call + 1} ${next?.errand.name}`);
        await next?.go();
      }
      await all;
      return { results: await Promise.all(results), order };
    },
  };
}
