import type { Document } from "mongodb";

/** A window as a limit defines it. */
export interface WindowLimit {
  id: string;
  /** The limit's name. */
  limit: string;
  /** Calls are counted while the count is below this. */
  capacity: number;
  seconds: number;
}

/**
 * Windows in which a call is counted together or not at all. Each inner list has alternatives: the first window with
 * room is counted.
 */
export type CountedGroup = readonly (readonly WindowLimit[])[];

/**
 * Windows that a document keeps, apart from those that the call names. The default limits of an address give it fewer
 * than 80 in a day: 54 links, each from another network at most, and 20 known devices. Only higher limits can lose the
 * count of a network to this bound, never that of the address.
 */
export const OTHER_WINDOWS_LIMIT = 80;

/** The count of a window; 0 if the document has no such window. */
const countOf = (id: string): Document => ({
  $sum: {
    $map: {
      input: { $filter: { input: "$windows", as: "window", cond: { $eq: ["$$window.id", id] } } },
      as: "window",
      in: "$$window.count",
    },
  },
});

/** The id of the first alternative with room, else an empty string. */
const chosenOf = (alternatives: readonly WindowLimit[]) =>
  alternatives.reduceRight<string | Document>(
    (rest, { id, capacity }) => ({ $cond: [{ $lt: [countOf(id), capacity] }, id, rest] }),
    "",
  );

/** The ids to count of a group: none if one of its windows is full. */
const countedOf = (group: CountedGroup): Document => ({
  $let: {
    vars: { chosen: group.map(chosenOf) },
    in: { $cond: [{ $in: ["", "$$chosen"] }, [], "$$chosen"] },
  },
});

/**
 * An update that counts a call in the windows of one document: it drops windows that have ended, decides which windows
 * count the call, and counts it. The decision is part of the update, so simultaneous calls get no more than the limits
 * allow, and a refused call has nothing to release.
 * @param points how much the call counts
 */
export function countPipeline(groups: readonly CountedGroup[], now: Date, points: number): Document[] {
  const named = [...new Map(groups.flat(2).map((limit) => [limit.id, limit])).values()];
  const ids = named.map(({ id }) => id);
  const isNamed = { $in: ["$$window.id", ids] };
  const current = (cond: Document) => ({
    $filter: {
      input: { $ifNull: ["$windows", []] },
      as: "window",
      cond: { $and: [{ $gt: ["$$window.endsAt", now] }, cond] },
    },
  });
  const others = { $slice: [current({ $not: [isNamed] }), -OTHER_WINDOWS_LIMIT] };
  const counted = {
    $map: {
      input: "$windows",
      as: "window",
      in: {
        $cond: [
          { $in: ["$$window.id", "$lastCounted"] },
          { id: "$$window.id", count: { $add: ["$$window.count", points] }, endsAt: "$$window.endsAt" },
          "$$window",
        ],
      },
    },
  };
  const begun = named.map(({ id, seconds }) => ({
    $cond: [
      { $and: [{ $in: [id, "$lastCounted"] }, { $not: [{ $in: [id, "$windows.id"] }] }] },
      [{ id, count: points, endsAt: new Date(now.getTime() + seconds * 1000) }],
      [],
    ],
  }));
  return [
    { $set: { windows: { $concatArrays: [others, current(isNamed)] } } },
    { $set: { lastCounted: { $concatArrays: groups.map(countedOf) } } },
    { $set: { windows: { $concatArrays: [counted, ...begun] } } },
    { $set: { purgeAt: { $ifNull: [{ $max: "$windows.endsAt" }, now] } } },
  ];
}

/** An update that decrements the windows in which a call was counted. */
export function releasePipeline(ids: readonly string[], points: number): Document[] {
  const released = {
    id: "$$window.id",
    count: { $max: [0, { $subtract: ["$$window.count", points] }] },
    endsAt: "$$window.endsAt",
  };
  const isReleased = { $in: ["$$window.id", [...ids]] };
  const windows = {
    $map: { input: "$windows", as: "window", in: { $cond: [isReleased, released, "$$window"] } },
  };
  return [{ $set: { windows } }];
}
