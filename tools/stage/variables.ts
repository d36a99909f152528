import { object, safeParse, type ZodMiniType } from "zod/mini";
import { originOf, type Variables } from "#core/config.ts";

/** Environment variables whose values the stack itself has, as variables of the framework. */
export const FROM_STACK: Readonly<Record<string, string>> = {
  STAGE: "${sls:stage}",
  MAIL_CONFIGURATION_SET: "${self:custom.prefix}",
};

/** A parameter of SSM, by its name after `/nest/<stage>/`. */
export interface Parameter {
  name: string;
  isSecret: boolean;
}

/** Whether a function can't run without a variable. */
export const isRequired = (schema: ZodMiniType) => !safeParse(object({ value: schema }), {}).success;

/** Returns the SSM parameter that holds a variable's value, or null if the value is not a parameter. */
export function parameterOf(name: string, schema: ZodMiniType): Parameter | null {
  const origin = originOf(schema);
  return typeof origin === "string" ? null : { name: origin.parameter ?? name, isSecret: origin.isSecret };
}

/** Returns the SSM parameters that hold the values of variables, sorted by name. */
export function parametersOf(variables: Variables): Parameter[] {
  return Object.entries(variables)
    .flatMap(([name, schema]) => parameterOf(name, schema) ?? [])
    .sort((one, other) => (one.name < other.name ? -1 : 1));
}
