import { homedir } from "node:os";
import { join } from "node:path";

/** Where downloads and engines live, outside the repository: NEST_CACHE_DIR, or the user's cache. */
export function cacheDirectory(): string {
  const { NEST_CACHE_DIR, XDG_CACHE_HOME } = process.env;
  if (NEST_CACHE_DIR) return NEST_CACHE_DIR;
  return join(XDG_CACHE_HOME || join(homedir(), ".cache"), "nest");
}

/** Where `npm start` keeps its data and secrets between runs: NEST_DATA_DIR, or a folder of the cache. */
export function dataDirectory(): string {
  return process.env.NEST_DATA_DIR || join(cacheDirectory(), "local");
}
