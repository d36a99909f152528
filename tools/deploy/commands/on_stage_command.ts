import { resolve } from "node:path";
import { type OnStage, openStage, requireStage, type StageOptions } from "#tools/stage/on_stage.ts";
import { settingsPath } from "#tools/stage/settings.ts";
import { inWords } from "#tools/terminal/command.ts";
import { CommandError, UsageError } from "#tools/terminal/errors.ts";

/** The options that every command on a stage takes. */
export const stageOptions = { stage: { type: "string" }, settings: { type: "string" } } as const;

/** Reads a command's options. One that it does not know is said in a line, and ends the program with status 2. */
export function readOptions<Read>(read: () => Read): Read {
  try {
    return read();
  } catch (error) {
    console.error(`\nfail  ${(error as Error).message}`);
    process.exit(2);
  }
}

/** Runs a command on a stage. A failure is said in words, with status 1, or 2 if it was called wrongly. */
export async function onStageCommand(
  values: StageOptions,
  work: (onStage: OnStage, settingsFile: string) => Promise<void>,
): Promise<void> {
  try {
    const stage = requireStage(values.stage);
    const settingsFile = values.settings === undefined ? settingsPath(stage) : resolve(values.settings);
    await work(await openStage({ stage, settings: settingsFile }), settingsFile);
  } catch (error) {
    const isPlain = error instanceof CommandError || error instanceof UsageError;
    console.error(`\nfail  ${isPlain ? error.message : describe(error)}`);
    process.exitCode = error instanceof UsageError ? 2 : 1;
  }
}

/** Errors of drivers and SDKs can quote what was sent: their kind is enough. */
const describe = (error: unknown) =>
  error instanceof Error && /^Mongo/.test(error.name)
    ? `The database of MONGODB_URI can't be reached from here (${error.name}).`
    : inWords(error);
