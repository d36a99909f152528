import type { ZodMiniType } from "zod/mini";
import { ConfigError, originOf, readConfig } from "#core/config.ts";
import type { DeployedFunction } from "#tools/stage/functions.ts";
import { FROM_STACK, isRequired, parameterOf } from "#tools/stage/variables.ts";

/** An SSM parameter that functions read. */
export interface ParameterSpec {
  name: string;
  isSecret: boolean;
  schema: ZodMiniType;
}

/** A variable whose value is a setting of the stage file. */
export interface SettingSpec {
  name: string;
  isRequired: boolean;
  schema: ZodMiniType;
}

/** All parameters and settings that functions read. */
export interface Inventory {
  parameters: ParameterSpec[];
  settings: SettingSpec[];
  /** The names of the methods, without their dates. */
  methods: ReadonlySet<string>;
}

const byName = (one: { name: string }, other: { name: string }) => (one.name < other.name ? -1 : 1);

/** Returns what functions read, from their declarations, sorted by name. */
export function takeInventory(functions: readonly DeployedFunction[]): Inventory {
  const parameters = new Map<string, ParameterSpec>();
  const settings = new Map<string, SettingSpec>();
  for (const { needs } of functions) {
    for (const [name, schema] of Object.entries(needs.variables)) {
      const parameter = parameterOf(name, schema);
      if (parameter) parameters.set(parameter.name, { ...parameter, schema });
      else if (originOf(schema) === "setting" && !(name in FROM_STACK))
        settings.set(name, { name, schema, isRequired: isRequired(schema) });
    }
  }
  return {
    methods: new Set(functions.filter(({ source }) => source.startsWith("src/methods/")).map(methodOf)),
    parameters: [...parameters.values()].sort(byName),
    settings: [...settings.values()].sort(byName),
  };
}

const methodOf = ({ name }: Pick<DeployedFunction, "name">) => name.replace(/-\d{4}-\d{2}-\d{2}$/, "");

/** Whether a function accepts a value. */
export function fits({ name, schema }: { name: string; schema: ZodMiniType }, value: string): boolean {
  try {
    readConfig({ [name]: schema }, { [name]: value });
    return true;
  } catch (error) {
    if (error instanceof ConfigError) return false;
    throw error;
  }
}
