import { explainError } from "#tools/deploy/explain_error.ts";
import { type OnStage, openStage, type StageOptions } from "#tools/stage/on_stage.ts";
import { UsageError } from "#tools/terminal/errors.ts";

/** The options of every command on a stage. */
export const stageOptions = { stage: { type: "string" }, settings: { type: "string" } } as const;

/** Reads a command's options. An unknown option is reported in one line, with status 2. */
export function readOptions<Read>(read: () => Read): Read {
  try {
    return read();
  } catch (error) {
    console.error(`\nfail  ${(error as Error).message}`);
    process.exit(2);
  }
}

/** Runs a command on a stage. A failure is reported in a sentence, with status 1, or 2 if the command was misused. */
export async function onStageCommand(
  options: StageOptions,
  work: (stage: OnStage) => Promise<void>,
): Promise<void> {
  try {
    await work(await openStage(options));
  } catch (error) {
    console.error(`\nfail  ${explainError(error)}`);
    process.exitCode = error instanceof UsageError ? 2 : 1;
  }
}
