/** The functions and resources of serverless.yml, as the framework reads them. */
export interface Service {
  functions: Record<string, { role?: unknown }>;
  resources: { Resources: Record<string, { Type: string }> };
}

/** The logical ids of the roles that functions have. */
const rolesOf = (functions: Service["functions"]): ReadonlySet<string> => {
  const roles = JSON.stringify(Object.values(functions).map(({ role }) => role));
  return new Set(Array.from(roles.matchAll(/\$\{(\w+)\.Arn\}/g), ([, id]) => id as string));
};

/**
 * Removes the functions that a stage does not have, and the roles that no other function has: those of adapters that its
 * file does not list.
 * @param names the functions of the stage
 */
export function dropUnlisted(
  { functions, resources: { Resources } }: Service,
  names: readonly string[],
): void {
  const before = rolesOf(functions);
  for (const name of Object.keys(functions)) if (!names.includes(name)) delete functions[name];
  const after = rolesOf(functions);
  for (const id of before) if (!after.has(id)) delete Resources[id];
}
