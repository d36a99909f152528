import { type Inventory, takeInventory } from "#tools/stage/config/inventory.ts";
import { ParameterStore } from "#tools/stage/config/parameter_store.ts";
import { type DeployedFunction, listFunctions } from "#tools/stage/functions.ts";
import {
  readSettings,
  STAGES,
  type StageName,
  type StageSettings,
  settingsPath,
} from "#tools/stage/settings.ts";
import { UsageError } from "#tools/terminal/errors.ts";

/** What a command on a stage works with. */
export interface OnStage {
  settings: StageSettings;
  functions: DeployedFunction[];
  inventory: Inventory;
  store: ParameterStore;
}

/** How a person names a stage. */
export interface StageOptions {
  stage?: string | undefined;
  /** Another stage file than the committed one. */
  settings?: string | undefined;
}

/** @throws UsageError unless it is one of ours */
export function requireStage(stage: string | undefined): StageName {
  const known = STAGES.find((name) => name === stage);
  if (!known) throw new UsageError(`Say --stage ${STAGES.join(" or ")}.`);
  return known;
}

/** @throws UsageError, SettingsError */
export async function openStage(options: StageOptions): Promise<OnStage> {
  const stage = requireStage(options.stage);
  const settings = await readSettings(options.settings ?? settingsPath(stage));
  const functions = await listFunctions();
  return {
    settings,
    functions,
    inventory: takeInventory(functions),
    store: new ParameterStore(stage, settings),
  };
}
