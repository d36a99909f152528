import type { CountedWindow } from "#core/repositories/window_pipeline.ts";

/** Of a large sampled limit, one call in this many is counted, with this weight. */
const MAX_SAMPLE_WEIGHT = 20;
/** A counted call adds at most the limit divided by this, so that small limits are counted precisely. */
const SAMPLED_PRECISION = 500;

/** The count of a call that is in the sample. */
export interface Sampled {
  /** The count divided by the limit. */
  ratio: number;
  /** The window that counted the call, for `releaseSampled`. */
  window: CountedWindow;
}

/** The weight with which a sampled limit counts a call. It counts one call in this many. */
export const sampleWeight = (limit: number): number =>
  Math.min(MAX_SAMPLE_WEIGHT, Math.max(1, Math.floor(limit / SAMPLED_PRECISION)));
