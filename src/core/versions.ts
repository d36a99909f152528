/** The dated versions, oldest first. A later one has every method of the earlier ones unless it replaces them (contract 1.1). */
export const VERSIONS = ["2020-12-14", "2021-10-06"] as const;

export type Version = (typeof VERSIONS)[number];

/**
 * The dates under which a method answers: its own and every later one, up to the date that replaces it.
 * @param introduced the date of the method file
 * @param replacements dates of other files with the same method name
 */
export function servedVersions(introduced: Version, replacements: readonly Version[]): Version[] {
  const next = VERSIONS.find((date) => date > introduced && replacements.includes(date));
  return VERSIONS.filter((date) => date >= introduced && (next === undefined || date < next));
}
