import { MINUTE } from "#core/clock.ts";
import { isIdOf, type Resource } from "#core/ids.ts";

/** How long a finished removal stays in the list. A call that read the document before the removal ended must still find it there. */
export const KEPT_SECONDS = MINUTE;

/** An identifier, a linked account or a second factor. */
interface Removable {
  _id: string;
  removedAt: string | null;
}

/** What a removal has read of its user. */
interface ReadOfUser {
  /** Includes what was removed in the last `KEPT_SECONDS`. */
  found: readonly Removable[];
  /** The resources that `found` has completely. An id of such a resource without a document belongs to a removal that ended long ago. */
  all: readonly Resource[];
  now: Date;
}

/** The ids that the list of a user's removals must keep, so that it does not grow with every removal. Without I/O. */
export const unfinishedRemovals = (removed: readonly string[], { found, all, now }: ReadOfUser): string[] =>
  removed.filter((id) => {
    const one = found.find(({ _id }) => _id === id);
    if (one === undefined) return !all.some((resource) => isIdOf(id, resource));
    return one.removedAt === null || now.getTime() - Date.parse(one.removedAt) < KEPT_SECONDS * 1000;
  });
