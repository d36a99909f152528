export const CALLERS = 20;
export const ROUNDS = 10;
/** For inserts that race on a unique key, which are slow on FerretDB. */
export const UNIQUE_ROUNDS = 4;

/** Makes calls concurrently. @returns the result of each, in the order of their numbers */
export function atOnce<Result>(
  work: (caller: number) => Promise<Result>,
  callers = CALLERS,
): Promise<Result[]> {
  return Promise.all(Array.from({ length: callers }, (_, caller) => work(caller)));
}

/** Repeats a race. Each round uses its own documents. */
export async function rounds(play: (round: number) => Promise<void>, count = ROUNDS): Promise<void> {
  for (let round = 0; round < count; round++) await play(round);
}

/** A timestamp: `number` seconds after a fixed time. */
export function moment(number: number): string {
  return new Date(Date.UTC(2026, 0, 1) + number * 1000).toISOString();
}
