import { originOf } from "#core/config.ts";
import { parameterVariable } from "#core/parameters.ts";
import type { DeployedFunction } from "#tools/stage/functions.ts";
import type { StageName, StageSettings } from "#tools/stage/settings.ts";
import { parameterOf } from "#tools/stage/variables.ts";

/** Lambda's limit for the environment of a function, in bytes. */
export const LARGEST_ENVIRONMENT = 4096;
/**
 * Digits that are counted for a parameter's version. Versions grow, and a stage must not reach the limit because of
 * that.
 */
const LONGEST_VERSION = 9999;

/** A stage whose environments are computed. */
interface Stage {
  stage: StageName;
  settings: Pick<StageSettings, "variables">;
  /** The version that a function reads of a parameter; undefined: no version is pinned. */
  versionOf: (parameter: string) => number | undefined;
}

/** Returns the environment that a deployment gives a function. */
export function deployedEnvironment(
  { needs }: Pick<DeployedFunction, "needs">,
  { stage, settings, versionOf }: Stage,
): Record<string, string> {
  const { variables } = settings;
  const fromStack: Readonly<Record<string, string>> = {
    STAGE: stage,
    MAIL_CONFIGURATION_SET: `nest-${stage}`,
  };
  const entries = Object.entries(needs.variables).flatMap(([name, schema]): [string, string][] => {
    const parameter = parameterOf(name, schema);
    if (parameter) {
      const version = versionOf(parameter.name);
      const suffix = version === undefined ? "" : `:${version}`;
      return [[parameterVariable(name), `/nest/${stage}/${parameter.name}${suffix}`]];
    }
    const value = fromStack[name] ?? variables[name] ?? null;
    return originOf(schema) === "setting" && value !== null ? [[name, value]] : [];
  });
  return Object.fromEntries(entries);
}

/** Measures an environment as Lambda does: names and values as one JSON document in UTF-8, with its escapes. */
export const environmentBytes = (environment: Readonly<Record<string, string>>): number =>
  Buffer.byteLength(JSON.stringify(environment));

/**
 * Returns a sentence if a function's environment exceeds Lambda's limit, so that CloudFormation would refuse it in the
 * middle of a deployment. It names the largest function and its largest variable.
 */
export function environmentProblems(
  functions: readonly DeployedFunction[],
  stage: Omit<Stage, "versionOf">,
): string[] {
  const measured = functions
    .map((deployed) => {
      const environment = deployedEnvironment(deployed, { ...stage, versionOf: () => LONGEST_VERSION });
      return { name: deployed.name, environment, bytes: environmentBytes(environment) };
    })
    .filter(({ bytes }) => bytes > LARGEST_ENVIRONMENT)
    .sort((one, other) => other.bytes - one.bytes);
  const [largest] = measured;
  if (!largest) return [];
  const sizes = Object.entries(largest.environment).map(
    ([name, value]) => [name, environmentBytes({ [name]: value })] as const,
  );
  const [name, bytes] = sizes.reduce((one, other) => (other[1] > one[1] ? other : one));
  const others = measured.length === 1 ? "" : `, and ${measured.length - 1} others are too large`;
  return [
    `variables.${name}: shorten it. The environment of ${largest.name} has ${largest.bytes} bytes, ${bytes} of them in ` +
      `${name}${others}; Lambda allows ${LARGEST_ENVIRONMENT}`,
  ];
}
