import { homedir } from "node:os";
import { join } from "node:path";

/** The folder for downloads and builds, outside the repository: NEST_CACHE_DIR, or `nest` in the user's cache folder. */
export function cacheDirectory(): string {
  const { NEST_CACHE_DIR, XDG_CACHE_HOME } = process.env;
  if (NEST_CACHE_DIR) return NEST_CACHE_DIR;
  return join(XDG_CACHE_HOME || join(homedir(), ".cache"), "nest");
}

/** The folder for the data and secrets that `npm start` keeps: NEST_DATA_DIR, or `local` in the cache folder. */
export function dataDirectory(): string {
  return process.env.NEST_DATA_DIR || join(cacheDirectory(), "local");
}
