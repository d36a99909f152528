/** The API versions, oldest first. A version serves every method of the earlier ones unless it replaces it (contract 1.1). */
export const VERSIONS = ["2020-12-14", "2021-10-06", "2026-12-01"] as const;

export type Version = (typeof VERSIONS)[number];

/** The version that is not published yet: its methods may still change. */
export const PREVIEW_VERSION: Version = "2026-12-01";

/**
 * The versions that serve a method: its own and every later one before the version that replaces the method.
 * @param introduced the version of the method file
 * @param replacements the versions of the other files of the same method
 */
export function servedVersions(introduced: Version, replacements: readonly Version[]): Version[] {
  const next = VERSIONS.find((date) => date > introduced && replacements.includes(date));
  return VERSIONS.filter((date) => date >= introduced && (next === undefined || date < next));
}
