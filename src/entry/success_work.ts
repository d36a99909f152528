import { describeFailure, type Log } from "#core/log.ts";
import { beforeDeadline } from "#entry/deadline.ts";

/** The work that a call leaves until it has succeeded. */
export class SuccessWork {
  readonly #all: (() => Promise<void>)[] = [];

  /** Adds work. Its order is not kept. */
  readonly add = (work: () => Promise<void>): void => void this.#all.push(work);

  /**
   * Does the work. A failure, also of time, is logged: the call has done what it was asked for.
   * @param deadline epoch milliseconds by which the call must respond
   */
  async run(log: Log, deadline: number): Promise<void> {
    if (this.#all.length === 0) return;
    try {
      await beforeDeadline(deadline, Promise.all(this.#all.map((work) => work())));
    } catch (error) {
      log.warn("work_after_success_failed", describeFailure(error));
    }
  }
}
