import { homedir } from "node:os";
import { join } from "node:path";

/** Where downloads, engines and local data live, outside the repository: NEST_CACHE_DIR, or the user's cache. */
export function cacheDirectory(): string {
  const { NEST_CACHE_DIR, XDG_CACHE_HOME } = process.env;
  if (NEST_CACHE_DIR) return NEST_CACHE_DIR;
  return join(XDG_CACHE_HOME || join(homedir(), ".cache"), "nest");
}
