/**
 * As `Promise.all`, but rejects only after every promise has settled: when the caller handles the failure, none of the
 * writes is still running.
 * @throws what the first rejected promise, in the order of the list, was rejected with
 */
export async function settleAll<Work extends readonly unknown[]>(work: [...Work]) {
  await Promise.allSettled(work);
  return Promise.all(work);
}
