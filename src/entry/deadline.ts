import { NestError } from "#core/errors.ts";

/**
 * Whatever hangs, the caller hears of it in time; a write that still lands can be repeated safely.
 * @param deadline epoch ms
 * @throws NestError unavailable if the work is not done by then
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
