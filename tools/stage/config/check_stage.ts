import { parseKeySet, publicHalves } from "#core/keys/signing_keys.ts";
import { fits, type Inventory, type ParameterSpec, type SettingSpec } from "#tools/stage/config/inventory.ts";
import type { ParameterStore, StoredParameter } from "#tools/stage/config/parameter_store.ts";
import { refuse, type Target } from "#tools/stage/config/refusals.ts";
import type { DeployedFunction } from "#tools/stage/functions.ts";
import { missingSettings, type StageSettings } from "#tools/stage/settings.ts";

/** How a stage's configuration stands. */
export interface StageCheck {
  /** A row for each setting and parameter: its name, how it is, and for a parameter its version. */
  rows: [name: string, state: string, version: string][];
  /** What must be mended before a deploy, in words; no value. */
  problems: string[];
  /** Parameters as read. */
  parameters: ReadonlyMap<string, StoredParameter>;
}

/** Holds a stage's file and its parameters against what the functions need. */
export async function checkStage(
  target: Target,
  settings: StageSettings,
  functions: readonly DeployedFunction[],
  inventory: Inventory,
  store: Pick<ParameterStore, "read">,
): Promise<StageCheck> {
  const parameters = await store.read(inventory.parameters.map(({ name }) => name));
  const rows = [
    ...inventory.settings.map((spec) => checkSetting(spec, settings)),
    ...inventory.parameters.map((spec) => checkParameter(target, spec, parameters)),
  ];
  const known = new Set(inventory.settings.map(({ name }) => name));
  const names = new Set(functions.map(({ name }) => name));
  const strangers = [
    ...Object.keys(settings.variables)
      .filter((name) => !known.has(name))
      .map((name) => `variables.${name}: no function reads it from the stage file`),
    ...Object.keys(settings.reservedConcurrency)
      .filter((name) => !names.has(name))
      .map((name) => `reservedConcurrency.${name}: there is no such function`),
  ];
  const bad = rows.filter(([, state]) => !GOOD.includes(state)).map(([name, state]) => `${name}: ${state}`);
  return { rows, problems: [...missingSettings(settings), ...strangers, ...bad], parameters };
}

const GOOD = ["good", "not set"];

function checkSetting(spec: SettingSpec, { variables }: StageSettings): [string, string, string] {
  const value = variables[spec.name] ?? null;
  if (value === null) return [spec.name, spec.isRequired ? "missing in the stage file" : "not set", ""];
  return [spec.name, fits(spec, value) ? "good" : "unusable", ""];
}

function checkParameter(
  target: Target,
  spec: ParameterSpec,
  parameters: ReadonlyMap<string, StoredParameter>,
): [string, string, string] {
  const stored = parameters.get(spec.name);
  if (!stored) return [spec.name, "missing in SSM", ""];
  const version = String(stored.version);
  if (!fits(spec, stored.value)) return [spec.name, "unusable", version];
  const refused = refuse(spec.name, stored.value, target);
  if (refused) return [spec.name, refused, version];
  if (spec.name === PUBLIC_KEYS && !agree(parameters))
    return [spec.name, `differs from ${WHOLE_KEYS}`, version];
  return [spec.name, "good", version];
}

/** The signing keys are two parameters: whole for functions that sign, without private halves for those that verify. */
export const WHOLE_KEYS = "SIGNING_KEYS";
export const PUBLIC_KEYS = "SIGNING_KEYS_PUBLIC";

/** What the public parameter holds beside a whole set. */
export const publicValue = (whole: string) => JSON.stringify(publicHalves(parseKeySet(JSON.parse(whole))));

function agree(parameters: ReadonlyMap<string, StoredParameter>): boolean {
  try {
    const whole = parameters.get(WHOLE_KEYS)?.value;
    return whole === undefined || publicValue(whole) === parameters.get(PUBLIC_KEYS)?.value;
  } catch {
    // A set that is none is named by itself.
    return true;
  }
}
