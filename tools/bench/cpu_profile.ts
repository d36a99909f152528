import type { Profiler } from "node:inspector";

export type CpuProfile = Profiler.Profile;

/** States of V8 that a profile reports as functions without a file. */
const STATES: Readonly<Record<string, string>> = {
  "(idle)": "idle",
  "(garbage collector)": "garbage collection",
  "(program)": "native code",
};

/** The group of a function: its package, its folder in `src`, its module of Node, or a state of V8. */
export function groupOf({ url, functionName }: { url: string; functionName: string }): string {
  const [, packageName] = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url) ?? [];
  if (packageName) return packageName;
  const [, folder] = /\/(src\/[^/]+(?:\/[^/]+)?)\//.exec(url) ?? [];
  if (folder) return folder;
  if (url.includes("/tools/")) return "tools";
  const [, nodeModule] = /^node:(?:internal\/)?(?:deps\/)?([^/]+)/.exec(url) ?? [];
  return nodeModule ? `node:${nodeModule}` : (STATES[functionName] ?? "native code");
}

/**
 * Sums the time that a profile spent in functions themselves, without the functions that they called.
 * @param keyOf the sum that a function belongs to
 * @returns milliseconds, the longest first
 */
export function selfTimes(
  { nodes, samples = [], timeDeltas = [] }: CpuProfile,
  keyOf: (frame: Profiler.ProfileNode["callFrame"]) => string,
): Map<string, number> {
  const keys = new Map(nodes.map(({ id, callFrame }) => [id, keyOf(callFrame)]));
  const sums = new Map<string, number>();
  for (const [index, node] of samples.entries()) {
    // The time until the next sample was spent in this one.
    const ms = (timeDeltas[index + 1] ?? 0) / 1000;
    const key = keys.get(node) ?? "unknown";
    sums.set(key, (sums.get(key) ?? 0) + ms);
  }
  return new Map([...sums].sort(([, one], [, other]) => other - one));
}
