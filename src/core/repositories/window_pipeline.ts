import type { Document } from "mongodb";

/** A window and the limit that applies to it. */
export interface WindowLimit {
  id: string;
  /** The limit's name. */
  limit: string;
  /** The window is full when its count reaches this. */
  capacity: number;
  seconds: number;
  /** Absent: a full window refuses calls until it ends. Else it counts one more call after each pause. */
  pause?: Pause | undefined;
}

/** The time from the last call that a full window counted until the next. It doubles with each call, in seconds. */
export interface Pause {
  first: number;
  longest: number;
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

/** An expression for the values of a field of a window; empty if the document has no such window. */
const valuesOf = (id: string, field: "count" | "pausedUntil"): Document => ({
  $map: {
    input: { $filter: { input: "$windows", as: "window", cond: { $eq: ["$$window.id", id] } } },
    as: "window",
    in: `$$window.${field}`,
  },
});

/** An expression for whether a window may count the call. */
function isOpen({ id, capacity, pause }: WindowLimit, now: Date): Document {
  const isBelow = { $lt: [{ $sum: valuesOf(id, "count") }, capacity] };
  if (!pause) return isBelow;
  return { $or: [isBelow, { $lte: [{ $ifNull: [{ $max: valuesOf(id, "pausedUntil") }, now] }, now] }] };
}

/** An expression for the ids of the windows that count the call; empty if all alternatives of a list are full. */
function countedOf(group: CountedGroup, now: Date): Document {
  // The id of the first alternative that is open; an empty string if none is.
  const chosenOf = (alternatives: readonly WindowLimit[]) =>
    alternatives.reduceRight<string | Document>(
      (rest, limit) => ({ $cond: [isOpen(limit, now), limit.id, rest] }),
      "",
    );
  return {
    $let: {
      vars: { chosen: group.map(chosenOf) },
      in: { $cond: [{ $in: ["", "$$chosen"] }, [], "$$chosen"] },
    },
  };
}

/** No pause needs more doublings. It keeps the power within the numbers of every engine. */
const MOST_DOUBLINGS = 20;

/**
 * An expression for a window after it counted the call. A full window with pauses begins another one, and lasts until its own
 * length has passed after the pause, so that the pauses grow until nobody calls for that time.
 */
function afterCount(limits: readonly WindowLimit[], now: Date, weight: number): Document {
  const count = { $add: ["$$window.count", weight] };
  const plain = { id: "$$window.id", count, endsAt: "$$window.endsAt" };
  return limits.reduce<Document>((rest, { id, capacity, seconds, pause }) => {
    if (!pause) return rest;
    const doublings = { $min: [{ $subtract: [count, capacity] }, MOST_DOUBLINGS] };
    const grown = { $multiply: [pause.first * 1000, { $pow: [2, doublings] }] };
    const pausedUntil = { $add: [now, { $min: [grown, pause.longest * 1000] }] };
    const endsAt = { $add: [pausedUntil, seconds * 1000] };
    const isFull = { $and: [{ $eq: ["$$window.id", id] }, { $gte: [count, capacity] }] };
    return { $cond: [isFull, { id: "$$window.id", count, endsAt, pausedUntil }, rest] };
  }, plain);
}

/** A window that begins with the call. */
function firstWindow({ id, capacity, seconds, pause }: WindowLimit, now: Date, weight: number): Document {
  const after = (length: number) => new Date(now.getTime() + length * 1000);
  if (!pause || weight < capacity) return { id, count: weight, endsAt: after(seconds) };
  return { id, count: weight, endsAt: after(pause.first + seconds), pausedUntil: after(pause.first) };
}

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
        $cond: [{ $in: ["$$window.id", "$lastCounted"] }, afterCount(named, now, weight), "$$window"],
      },
    },
  };
  const begun = named.map((limit) => ({
    $cond: [
      { $and: [{ $in: [limit.id, "$lastCounted"] }, { $not: [{ $in: [limit.id, "$windows.id"] }] }] },
      [firstWindow(limit, now, weight)],
      [],
    ],
  }));
  return [
    { $set: { windows: { $concatArrays: [others, current(isNamed)] } } },
    { $set: { lastCounted: { $concatArrays: groups.map((group) => countedOf(group, now)) } } },
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
