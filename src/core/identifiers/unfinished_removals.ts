import { MINUTE } from "#core/clock.ts";

/** For so long a finished removal stays in the list: a call that read the way in before it ended must still find it there. */
const KEPT_SECONDS = MINUTE;

/** An identifier or a linked account. */
interface Way {
  _id: string;
  removedAt: string | null;
}

/**
 * The ids that the list of a user's removals must keep, so that it does not grow with every removal. Without I/O.
 * @param ways the user's identifiers or linked accounts as they were read, removed ones included
 * @param isWhole whether they are all of both: then an id without one was discarded
 */
export const unfinishedRemovals = (
  removed: readonly string[],
  { ways, isWhole, now }: { ways: readonly Way[]; isWhole: boolean; now: Date },
): string[] =>
  removed.filter((id) => {
    const way = ways.find(({ _id }) => _id === id);
    if (way === undefined) return !isWhole;
    return way.removedAt === null || now.getTime() - Date.parse(way.removedAt) < KEPT_SECONDS * 1000;
  });
