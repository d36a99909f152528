import app from "#app";
import { stagePlans } from "#core/billing/plans/stage_plans.ts";
import { ConfigError } from "#core/config.ts";
import { parseKeySet, publicHalves } from "#core/keys/signing_keys.ts";
import { fits, type Inventory, type ParameterSpec, type SettingSpec } from "#tools/stage/config/inventory.ts";
import type { ParameterStore, StoredParameter } from "#tools/stage/config/parameter_store.ts";
import { refuse, type Target } from "#tools/stage/config/refusals.ts";
import { connectionProblems } from "#tools/stage/database_connections.ts";
import { environmentProblems } from "#tools/stage/environment_size.ts";
import type { DeployedFunction } from "#tools/stage/functions.ts";
import { adapterProblems } from "#tools/stage/listed_adapters.ts";
import { movedTo } from "#tools/stage/moved_variables.ts";
import { contradictions, type StageName, type StageSettings } from "#tools/stage/settings.ts";

/** One setting or parameter: its name, its state in a few words, and the version of a parameter. */
type Row = [name: string, state: string, version: string];

/** The state of a stage's configuration. */
export interface StageCheck {
  rows: Row[];
  /** The problems to correct before a deploy, one sentence each, without values. */
  problems: string[];
  /** The parameters of SSM by name. */
  parameters: ReadonlyMap<string, StoredParameter>;
}

/** The requirements that a stage's settings are compared with. */
interface Declared {
  settings: StageSettings;
  functions: readonly DeployedFunction[];
  inventory: Inventory;
  store: Pick<Target, "stage">;
}

/** The store from which a stage's parameters are read. */
export type ParameterSource = Target & Pick<ParameterStore, "read">;

const GOOD = ["valid", "not set"];
const problemsIn = (rows: readonly Row[]) =>
  rows.filter(([, state]) => !GOOD.includes(state)).map(([name, state]) => `${name}: ${state}`);

/**
 * Compares a stage's settings and parameters with what its functions need.
 * @throws StoreError if SSM can't be read
 */
export async function checkStage(stage: Declared & { store: ParameterSource }): Promise<StageCheck> {
  const settings = checkSettings(stage);
  const parameters = await checkParameters(stage.inventory, stage.store);
  return {
    rows: [...settings.rows, ...parameters.rows],
    problems: [...settings.problems, ...parameters.problems],
    parameters: parameters.parameters,
  };
}

/** Compares a stage file with what the functions need; does not call AWS. */
export function checkSettings({
  settings,
  functions,
  inventory,
  store: { stage },
}: Declared): Pick<StageCheck, "rows" | "problems"> {
  const rows = inventory.settings.map((spec) => checkSetting(spec, settings));
  const known = new Set(inventory.settings.map(({ name }) => name));
  const names = new Set(functions.map(({ name }) => name));
  const unknown = [
    ...Object.keys(settings.variables)
      .filter((name) => !known.has(name))
      .map((name) => `variables.${name}: ${movedTo(name) ?? "no function reads it from the stage file"}`),
    ...Object.keys(settings.reservedConcurrency)
      .filter((name) => !names.has(name))
      .map((name) => `reservedConcurrency.${name}: there is no such function`),
  ];
  return {
    rows,
    problems: [
      ...contradictions(settings, stage),
      ...unknown,
      ...problemsIn(rows),
      ...planProblems(stage, settings),
      ...adapterProblems(settings, functions, { app, stage }),
      ...environmentProblems(functions, { stage, settings }),
      ...connectionProblems(settings, functions),
    ],
  };
}

/** A stage must be able to sell something, if the app does. */
function planProblems(stage: StageName, { variables }: StageSettings): string[] {
  const { STRIPE_PRICE_ID: priceId, STRIPE_PRODUCT_IDS: productId } = variables;
  try {
    stagePlans(app.plans, stage, { priceId: priceId || undefined, productId: productId || undefined });
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return [
      `plans: none of the app file has a price on ${stage}; set prices.${stage} of a plan, or STRIPE_PRICE_ID and STRIPE_PRODUCT_IDS in the stage file`,
    ];
  }
}

/**
 * Compares a stage's parameters in SSM with what the functions need.
 * @throws StoreError if SSM can't be read
 */
export async function checkParameters(inventory: Inventory, store: ParameterSource): Promise<StageCheck> {
  const parameters = await store.read(inventory.parameters.map(({ name }) => name));
  const { stage, isRehearsal } = store;
  const target = { stage, isRehearsal, methods: inventory.methods };
  const rows = inventory.parameters.map((spec) => checkParameter(target, spec, parameters));
  return { rows, problems: problemsIn(rows), parameters };
}

function checkSetting(spec: SettingSpec, { variables }: StageSettings): Row {
  const value = variables[spec.name] ?? null;
  if (value === null) return [spec.name, spec.isRequired ? "missing in the stage file" : "not set", ""];
  return [spec.name, fits(spec, value) ? "valid" : "invalid; .env.example describes the required format", ""];
}

function checkParameter(
  target: Target & Pick<Inventory, "methods">,
  spec: ParameterSpec,
  parameters: ReadonlyMap<string, StoredParameter>,
): Row {
  const stored = parameters.get(spec.name);
  if (!stored) return [spec.name, "missing in SSM", ""];
  const version = String(stored.version);
  const refused = refuse(spec, stored.value, target);
  if (refused) return [spec.name, refused, version];
  if (spec.name === PUBLIC_KEYS && !isPublicHalf(parameters))
    return [spec.name, `differs from ${WHOLE_KEYS}`, version];
  return [spec.name, "valid", version];
}

/**
 * The signing keys are two parameters: whole for functions that sign, without the private halves for functions that
 * verify.
 */
export const WHOLE_KEYS = "SIGNING_KEYS";
export const PUBLIC_KEYS = "SIGNING_KEYS_PUBLIC";

/** Returns the value of the public parameter for a whole set of keys. */
export const publicValue = (whole: string) => JSON.stringify(publicHalves(parseKeySet(JSON.parse(whole))));

function isPublicHalf(parameters: ReadonlyMap<string, StoredParameter>): boolean {
  try {
    const whole = parameters.get(WHOLE_KEYS)?.value;
    return whole === undefined || publicValue(whole) === parameters.get(PUBLIC_KEYS)?.value;
  } catch {
    // The row of the whole set already reports that it can't be parsed.
    return true;
  }
}
