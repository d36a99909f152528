import { gte, int, lte } from "zod/mini";

const MAX_CALLS = 1_000_000;

/** The number of following calls that fail; 0 clears the fault. */
export const failingCalls = int().check(gte(0), lte(MAX_CALLS));
