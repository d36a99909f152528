import { CommandError } from "#tools/terminal/errors.ts";

/** A secret whose older version a rollback would restore. */
export interface OlderSecret {
  name: string;
  /** The version that is live, or the newest one if the live functions do not read the secret. */
  from: string;
  /** The version that the rollback would restore. */
  to: string;
}

/**
 * Returns the secrets whose older version a rollback would restore, sorted by name (contract 1.7, Operations).
 * @param live the versions that the live functions read, by the parameter's name
 * @param target the versions that the restored functions would read
 * @param newest the newest versions in SSM, for secrets that only the restored functions read
 */
export function olderSecrets(
  live: ReadonlyMap<string, string>,
  target: ReadonlyMap<string, string>,
  newest: ReadonlyMap<string, number>,
): OlderSecret[] {
  return [...target]
    .map(([name, to]) => ({ name, from: live.get(name) ?? String(newest.get(name) ?? to), to }))
    .filter(({ from, to }) => Number(to) < Number(from))
    .sort((one, other) => (one.name < other.name ? -1 : 1));
}

/** Describes a change of a secret's version in one line. */
export const describeChange = ({ name, from, to }: OlderSecret): string =>
  `${name}: version ${from} -> ${to}`;

/**
 * Refuses a rollback that would restore older versions of secrets: a secret that was replaced because it leaked would be
 * accepted again.
 * @param isAllowed whether the operator passed --with-older-secrets
 * @throws CommandError naming the secrets and what to do
 */
export function requireNewSecrets(older: readonly OlderSecret[], isAllowed: boolean): void {
  if (older.length === 0 || isAllowed) return;
  throw new CommandError(
    [
      "This rollback would restore older versions of secrets:",
      ...older.map((secret) => `  ${describeChange(secret)}`),
      "A secret that was replaced because it leaked would be accepted again. Deploy the old commit instead: it uses the " +
        "newest secrets. If none of these secrets leaked, add --with-older-secrets. Nothing was changed.",
    ].join("\n"),
  );
}
