/** The functions and resources of serverless.yml, as the framework reads them. */
export interface Service {
  functions: Record<string, { role?: unknown }>;
  resources: { Resources: Record<string, { Type: string }> };
}

/**
 * Removes the functions that a stage does not have, and the roles that no other function has: those of adapters that its
 * file does not list.
 * @param names the functions of the stage
 */
export function dropUnlisted(
  { functions, resources: { Resources } }: Service,
  names: readonly string[],
): void {
  for (const name of Object.keys(functions)) if (!names.includes(name)) delete functions[name];
  const used = JSON.stringify(Object.values(functions).map(({ role }) => role));
  for (const [id, { Type }] of Object.entries(Resources))
    if (Type === "AWS::IAM::Role" && !used.includes(`\${${id}.Arn}`)) delete Resources[id];
}
