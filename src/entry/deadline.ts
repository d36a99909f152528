import { NestError } from "#core/errors.ts";

/** A service whose requests must end by a deadline, such as Stripe. */
interface Deadlined {
  until(deadline: number): unknown;
}

const isDeadlined = (part: unknown): part is Deadlined =>
  typeof (part as Partial<Deadlined> | null)?.until === "function";

/**
 * Binds every service of a core to the deadline of one call.
 * @param deadline epoch milliseconds by which the call must respond
 * @returns a core of the same shape; no function that receives it needs to know the deadline
 */
export function bindDeadline<Services extends object>(core: Services, deadline: number): Services {
  const bound = Object.entries(core).map(([name, part]) => [
    name,
    isDeadlined(part) ? part.until(deadline) : part,
  ]);
  return Object.fromEntries(bound) as Services;
}

/**
 * Ends a call in time even if the work hangs. A write that still completes afterwards is safe to repeat.
 * @param deadline epoch ms
 * @throws NestError unavailable if the work is not done by the deadline
 */
export async function beforeDeadline<Value>(deadline: number, work: Promise<Value>): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new NestError("unavailable", { detail: "deadline passed" })),
      Math.max(0, deadline - Date.now()),
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
