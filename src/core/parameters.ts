import type { Environment } from "#core/config.ts";
import { NestError } from "#core/errors.ts";
import { AwsError } from "#core/services/aws.ts";
import { Ssm } from "#core/services/ssm.ts";

/** Longest wait for SSM in a cold start, so that the first call still responds in time (contract 1.1). */
const LIMIT_MS = 1_500;

/** The name of the variable that holds the SSM parameter name of another variable. */
export const parameterVariable = (name: string) => `${name}_PARAMETER`;

/**
 * Adds the values of SSM parameters to an environment. Either `<NAME>` holds a value, or `<NAME>_PARAMETER` names the SSM
 * parameter that does. SSM is called only for variables of the second kind.
 * @param names the variables that will be read
 * @param limitMs time for all SSM calls, in milliseconds
 * @returns the environment; a variable whose parameter does not exist stays missing
 * @throws NestError unavailable if SSM can't be reached or refuses
 */
export async function readParameters(
  environment: Environment,
  names: readonly string[],
  limitMs = LIMIT_MS,
): Promise<Environment> {
  const wanted = names.flatMap((name) => {
    const parameter = environment[parameterVariable(name)];
    return environment[name] || !parameter ? [] : [{ name, parameter }];
  });
  if (wanted.length === 0) return environment;
  try {
    const parameters = wanted.map(({ parameter }) => parameter);
    const values = await new Ssm(environment).getParameters(parameters, limitMs);
    const read = wanted.map(({ name, parameter }) => [name, values.get(parameter)]);
    return { ...environment, ...Object.fromEntries(read) };
  } catch (cause) {
    if (!(cause instanceof AwsError)) throw cause;
    throw new NestError("unavailable", { cause, detail: `SSM: ${cause.name}` });
  }
}
