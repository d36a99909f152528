import type { State } from "#tests/model/ways_in/state.ts";

/**
 * Drops states that differ only in moments that nothing compares any more. Within a command, the order of two moments matters only
 * if one of them ended sessions.
 */
export function distinct(states: readonly State[]): State[] {
  const found = new Map<string, State>();
  for (const state of states) {
    const rounded = withRanks(state);
    found.set(JSON.stringify(rounded, withSortedKeys), rounded);
  }
  return [...found.values()];
}

/** Replaces the moments of the last command by their rank among those that ended sessions. */
function withRanks(state: State): State {
  const start = Math.floor(state.now);
  const isRecent = (value: unknown): value is number =>
    typeof value === "number" && value > start && value < start + 1;
  const ends = Object.values(state.users).flatMap(({ ended }) => (isRecent(ended.at) ? [ended.at] : []));
  const rankOf = (moment: number) => {
    const earlier = ends.filter((end) => end < moment).length;
    return start + (2 * earlier + (ends.includes(moment) ? 1 : 0)) / 1000;
  };
  const text = JSON.stringify({ ...state, now: start }, (_key, value) =>
    isRecent(value) ? rankOf(value) : value,
  );
  return JSON.parse(text);
}

function withSortedKeys(_key: string, value: unknown): unknown {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)));
}
