import type { Document } from "mongodb";

/** A window and the limit that applies to it. */
export interface WindowLimit {
  id: string;
  /** The limit's name. */
  limit: string;
  /** The window is full when its count reaches this. */
  capacity: number;
  seconds: number;
}

/**
 * Windows that count a call together or not at all. Each inner list has alternatives: the first window that is not full
 * counts the call. If every window of a list is full, no window of the group counts the call.
 */
export type CountedGroup = readonly (readonly WindowLimit[])[];

/** A window that counted a call. */
export interface CountedWindow {
  id: string;
  /** The limit's name. */
  limit: string;
  /** Tells the window apart from the next window with its id. */
  endsAt: Date;
}

/**
 * The largest number of other windows that stay in a document when a call is counted. With the default limits, a mailbox
 * has fewer: 83 networks (29 of one day, 30 of the next, and one an hour), 20 known devices, its day and its hour. With
 * higher limits, the count of a network can be dropped, but never that of the mailbox.
 */
export const OTHER_WINDOWS_LIMIT = 110;

/** An expression for the count of a window; 0 if the document has no such window. */
const countOf = (id: string): Document => ({
  $sum: {
    $map: {
      input: { $filter: { input: "$windows", as: "window", cond: { $eq: ["$$window.id", id] } } },
      as: "window",
      in: "$$window.count",
    },
  },
});

/** An expression for the id of the first alternative that is not full; an empty string if all are. */
const chosenOf = (alternatives: readonly WindowLimit[]) =>
  alternatives.reduceRight<string | Document>(
    (rest, { id, capacity }) => ({ $cond: [{ $lt: [countOf(id), capacity] }, id, rest] }),
    "",
  );

/** An expression for the ids of the windows that count the call; empty if all alternatives of a list are full. */
const countedOf = (group: CountedGroup): Document => ({
  $let: {
    vars: { chosen: group.map(chosenOf) },
    in: { $cond: [{ $in: ["", "$$chosen"] }, [], "$$chosen"] },
  },
});

/**
 * An update that drops the windows of a document that have ended, decides which windows count the call, and counts it
 * there. The decision is part of the update, so concurrent calls cannot exceed a limit, and a refused call has no
 * count to release.
 * @param weight how much the call adds to a count
 */
export function countPipeline(groups: readonly CountedGroup[], now: Date, weight: number): Document[] {
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
          { id: "$$window.id", count: { $add: ["$$window.count", weight] }, endsAt: "$$window.endsAt" },
          "$$window",
        ],
      },
    },
  };
  const begun = named.map(({ id, seconds }) => ({
    $cond: [
      { $and: [{ $in: [id, "$lastCounted"] }, { $not: [{ $in: [id, "$windows.id"] }] }] },
      [{ id, count: weight, endsAt: new Date(now.getTime() + seconds * 1000) }],
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

/**
 * An update that subtracts the weight of a call from the windows that counted it. A window that has begun since has another
 * end, and stays as it is.
 */
export function releasePipeline(counted: readonly CountedWindow[], weight: number): Document[] {
  const released = {
    id: "$$window.id",
    count: { $max: [0, { $subtract: ["$$window.count", weight] }] },
    endsAt: "$$window.endsAt",
  };
  const isReleased = {
    $or: counted.map(({ id, endsAt }) => ({
      $and: [{ $eq: ["$$window.id", id] }, { $eq: ["$$window.endsAt", endsAt] }],
    })),
  };
  const windows = {
    $map: { input: "$windows", as: "window", in: { $cond: [isReleased, released, "$$window"] } },
  };
  return [{ $set: { windows } }];
}
