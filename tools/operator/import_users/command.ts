import { open } from "node:fs/promises";
import { type Command, Option } from "commander";
import { import2022, requirePrepared } from "#tools/operator/import_2022/command.ts";
import {
  type ImportOptions,
  importUsers,
  type LineProblem,
} from "#tools/operator/import_users/import_users.ts";
import { SOURCES, type SourceName } from "#tools/operator/import_users/sources.ts";
import { onDatabase } from "#tools/operator/on_database.ts";
import { act, examples, type Terminal } from "#tools/terminal/command.ts";
import { CommandError, UsageError } from "#tools/terminal/errors.ts";
import { table } from "#tools/terminal/table.ts";

interface Options {
  from: SourceName | "2022";
  apply?: boolean;
  mapping?: string;
}

/** `db import`: imports users from another system, or the documents of the service of 2022. */
export function importCommand(db: Command): void {
  const command = db
    .command("import")
    .argument("[file]", "CSV with a header, or one JSON object per line; also compressed with gzip")
    .addOption(
      new Option(
        "--from <source>",
        "the system that the file is from; 2022 reads the database of FROM_MONGODB_URI",
      )
        .choices([...Object.keys(SOURCES), "2022"])
        .default("2022"),
    )
    .option("--apply", "write; without it the command only counts. Safe to repeat")
    .option("--mapping <file>", "a new CSV file for the user id of each id in the source; needs --apply")
    .description(
      "imports users with verified addresses from a file (docs/move_in.md), or the documents of the service of 2022; lists every line that it leaves out",
    );
  examples(command, [
    "db import --from better-auth users.csv",
    "db import --from auth0 users.ndjson.gz --apply --mapping ids.csv",
    "db import --apply",
  ]);
  act(command, (terminal, file: string | undefined, { from, apply = false, mapping }: Options) => {
    if (from === "2022") {
      if (file !== undefined || mapping !== undefined)
        throw new UsageError(
          `Name the system that the file is from: --from ${Object.keys(SOURCES).join(", ")}.`,
        );
      return import2022(terminal, apply);
    }
    if (file === undefined) throw new UsageError("Name the file to import.");
    if (mapping !== undefined && !apply)
      throw new UsageError("--mapping needs --apply: only then users exist.");
    return importFile(terminal, { source: from, file, isApplied: apply }, mapping);
  });
}

/** @returns false if a line was not imported */
function importFile(
  terminal: Terminal,
  options: Pick<ImportOptions, "source" | "file" | "isApplied">,
  mapping: string | undefined,
): Promise<boolean> {
  return onDatabase(terminal, async (database) => {
    await requirePrepared(database);
    await using mapped = await openMapping(mapping);
    const problems: LineProblem[] = [];
    let isMapped = false;
    const counts = await importUsers(database, {
      ...options,
      now: new Date(),
      onMapped(sourceId, userId) {
        isMapped = true;
        mapped.write(sourceId, userId);
      },
      onProblem(problem) {
        terminal.say(`${options.file}:${problem.line}: ${problem.problem}`);
        problems.push(problem);
      },
    });
    terminal.show({ applied: options.isApplied, counts, problems }, [
      ...table([Object.values(counts).map(String)], HEAD),
      options.isApplied ? "Imported." : "Nothing was changed. Pass --apply to import.",
      ...(mapping && !isMapped ? [`${mapping} is empty, because no imported line has an id.`] : []),
    ]);
    return problems.length === 0;
  });
}

const HEAD = ["read", "created", "unchanged", "existing", "duplicates", "left out"];

/** Opens the file of the mapping. @throws CommandError if it exists */
async function openMapping(path: string | undefined) {
  if (path === undefined) return { write: () => undefined, [Symbol.asyncDispose]: async () => undefined };
  const file = await open(path, "wx", 0o600).catch(() => {
    throw new CommandError(`${path} can't be written, or exists already. Choose another file.`);
  });
  const stream = file.createWriteStream();
  stream.write("source_id,user_id\n");
  return {
    write: (sourceId: string, userId: string) => {
      stream.write(`"${sourceId.replaceAll('"', '""')}",${userId}\n`);
    },
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve, reject) => stream.once("error", reject).end(() => resolve())),
  };
}
