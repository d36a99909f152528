import type { Db } from "mongodb";
import { MIGRATIONS } from "#tools/migrations/all.ts";

/** One migration's outcome, as `--json` prints it. */
export interface MigrationOutcome {
  name: string;
  what: string;
  /** Documents to change before the command ran. */
  pending: number;
  changed: number;
  /** Documents to change after it: the service changed them meanwhile. */
  left: number;
}

/**
 * Runs every migration in order.
 * @param isApplied false counts and changes nothing
 */
export async function migrate(database: Db, isApplied: boolean): Promise<MigrationOutcome[]> {
  const outcomes: MigrationOutcome[] = [];
  for (const { name, what, pending, apply } of MIGRATIONS) {
    const before = await pending(database);
    const changed = isApplied && before > 0 ? await apply(database) : 0;
    const left = isApplied ? await pending(database) : before;
    outcomes.push({ name, what, pending: before, changed, left });
  }
  return outcomes;
}

/** The names of migrations that have documents to change. */
export async function pendingMigrations(database: Db): Promise<string[]> {
  const names: string[] = [];
  for (const { name, pending } of MIGRATIONS) if ((await pending(database)) > 0) names.push(name);
  return names;
}
