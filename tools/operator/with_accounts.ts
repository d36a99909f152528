import app from "#app";
import { systemClock } from "#core/clock.ts";
import type { AccountCore } from "#core/personal_data/find_person.ts";
import { openRepositories } from "#core/repositories/all.ts";
import { PersonalDocuments } from "#core/repositories/personal_documents.ts";
import { onDatabase } from "#tools/operator/on_database.ts";
import type { Terminal } from "#tools/terminal/command.ts";

/** Runs a command's work on users' accounts. It needs the database and no key. */
export function withAccounts<Result>(
  terminal: Terminal,
  work: (core: AccountCore) => Promise<Result>,
): Promise<Result> {
  return onDatabase(terminal, (database) =>
    work({
      app,
      clock: systemClock,
      ...openRepositories(database),
      personalDocuments: new PersonalDocuments(database),
    }),
  );
}
