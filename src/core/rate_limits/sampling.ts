/**
 * A sampled limit counts one call in this many, and adds as many points for it. A small limit adds fewer points at a
 * time: see `SAMPLED_PRECISION`.
 */
const SAMPLED_CALLS = 20;
/** One count of a sampled limit adds at most the limit divided by this. */
const SAMPLED_PRECISION = 500;

/** The points that one sampled count of a limit adds. One call in this many is counted. */
export const sampledPoints = (limit: number): number =>
  Math.min(SAMPLED_CALLS, Math.max(1, Math.floor(limit / SAMPLED_PRECISION)));
