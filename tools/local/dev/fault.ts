import { gte, int, lte } from "zod/mini";

const MOST_CALLS = 1_000_000;

/** How many of the next calls go wrong; 0 disarms. */
export const failingCalls = int().check(gte(0), lte(MOST_CALLS));
