/**
 * `npm run rollback -- --stage nonprod [--to <timestamp>]`: back to the last good deployment before the live one, or to a
 * named one of those that are kept. See docs/deploy.md.
 */
import { parseArgs } from "node:util";
import { onStageCommand, readOptions, stageOptions } from "#tools/deploy/commands/on_stage_command.ts";
import { rollback } from "#tools/deploy/rollback.ts";

const { values } = readOptions(() =>
  parseArgs({
    options: { ...stageOptions, url: { type: "string" }, to: { type: "string" } },
  }),
);
await onStageCommand(values, (onStage, settingsFile) =>
  rollback({
    ...onStage,
    settingsFile,
    url: values.url ?? null,
    to: values.to === undefined ? null : Number(values.to),
  }),
);
