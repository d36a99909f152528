/** How many call at the same time where one document decides, and how often. */
export const CALLERS = 20;
export const ROUNDS = 10;
/** Where inserts race on a unique key, which FerretDB's engine takes long over. */
export const UNIQUE_ROUNDS = 4;

/** Calls many times at once and answers what each got. */
export function atOnce<Result>(
  work: (caller: number) => Promise<Result>,
  callers = CALLERS,
): Promise<Result[]> {
  return Promise.all(Array.from({ length: callers }, (_, caller) => work(caller)));
}

/** Plays a race again and again, each round on documents of its own. */
export async function rounds(play: (round: number) => Promise<void>, count = ROUNDS): Promise<void> {
  for (let round = 0; round < count; round++) await play(round);
}

/** A moment that is the later the higher its number. */
export function moment(number: number): string {
  return new Date(Date.UTC(2026, 0, 1) + number * 1000).toISOString();
}
