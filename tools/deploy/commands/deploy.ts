/**
 * `npm run deploy -- --stage nonprod`: everything from checks to smoke test, see docs/deploy.md. `--dirty` deploys what is
 * not committed, `--url` says where the API is called afterwards, `--settings` names another stage file.
 */
import { parseArgs } from "node:util";
import { onStageCommand, readOptions, stageOptions } from "#tools/deploy/commands/on_stage_command.ts";
import { deploy } from "#tools/deploy/deploy.ts";

const { values } = readOptions(() =>
  parseArgs({
    options: { ...stageOptions, url: { type: "string" }, dirty: { type: "boolean", default: false } },
  }),
);
await onStageCommand(values, (onStage, settingsFile) =>
  deploy({ ...onStage, settingsFile, url: values.url ?? null, isDirtyAllowed: values.dirty }),
);
