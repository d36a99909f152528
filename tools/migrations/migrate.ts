import type { Db } from "mongodb";
import { MIGRATIONS } from "#tools/migrations/all.ts";

/** One migration's outcome, as `--json` prints it. */
export interface MigrationOutcome {
  name: string;
  what: string;
  is_required: boolean;
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
  for (const { name, what, isRequired, pending, apply } of MIGRATIONS) {
    const before = await pending(database);
    const changed = isApplied && before > 0 ? await apply(database) : 0;
    const left = isApplied ? await pending(database) : before;
    outcomes.push({ name, what, is_required: isRequired, pending: before, changed, left });
  }
  return outcomes;
}

/** The names of required migrations that have documents to change. */
export async function pendingMigrations(database: Db): Promise<string[]> {
  const names: string[] = [];
  for (const { name, isRequired, pending } of MIGRATIONS)
    if (isRequired && (await pending(database)) > 0) names.push(name);
  return names;
}
