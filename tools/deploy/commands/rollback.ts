/**
 * `npm run rollback -- --stage nonprod [--to <timestamp>]`: restores the last good deployment before the live one, or the
 * named one. See docs/deploy.md.
 */
import { parseArgs } from "node:util";
import { onStageCommand, readOptions, stageOptions } from "#tools/deploy/commands/on_stage_command.ts";
import { rollback } from "#tools/deploy/rollback.ts";

const { values } = readOptions(() =>
  parseArgs({ options: { ...stageOptions, url: { type: "string" }, to: { type: "string" } } }),
);
await onStageCommand(values, (stage) => {
  const to = values.to === undefined ? null : Number(values.to);
  return rollback(stage, { to, url: values.url ?? null }, (line) => console.log(line));
});
