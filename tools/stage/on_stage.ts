import { type Inventory, takeInventory } from "#tools/stage/config/inventory.ts";
import { ParameterStore } from "#tools/stage/config/parameter_store.ts";
import { type DeployedFunction, listFunctions } from "#tools/stage/functions.ts";
import { functionsOn } from "#tools/stage/listed_adapters.ts";
import {
  readSettings,
  STAGES,
  type StageName,
  type StageSettings,
  settingsPath,
} from "#tools/stage/settings.ts";
import { UsageError } from "#tools/terminal/errors.ts";

/** The stage that a command works on, with its settings. */
export interface OnStage {
  settings: StageSettings;
  /** The path of the stage file. */
  settingsFile: string;
  functions: DeployedFunction[];
  inventory: Inventory;
  store: ParameterStore;
}

/** The options of a command on a stage. */
export interface StageOptions {
  stage?: string | undefined;
  /** The path of a stage file to use instead of the committed one. */
  settings?: string | undefined;
}

/** @throws UsageError if the stage is missing or unknown */
export function requireStage(stage: string | undefined): StageName {
  const known = STAGES.find((name) => name === stage);
  if (known) return known;
  const what = stage === undefined ? "--stage is missing" : `There is no stage \`${stage}\``;
  throw new UsageError(`${what}. Pass --stage ${STAGES.join(" or ")}.`);
}

/** @throws UsageError if the stage is missing or unknown; SettingsError if its file can't be used */
export async function openStage(options: StageOptions): Promise<OnStage> {
  const stage = requireStage(options.stage);
  const settingsFile = options.settings ?? settingsPath(stage);
  const settings = await readSettings(settingsFile);
  const functions = functionsOn(await listFunctions(), settings);
  return {
    settings,
    settingsFile,
    functions,
    inventory: takeInventory(functions),
    store: new ParameterStore(stage, settings),
  };
}
