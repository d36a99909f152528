import { functionsIn, type Template } from "#tools/deploy/template.ts";

/** A parameter in the environment of a function: `/nest/nonprod/MONGODB_URI`, or with a version `:3` behind it. */
const REFERENCE = /^\/nest\/\w+\/(\w+)(?::(\d+))?$/;

/**
 * Adds the version of each parameter to the environments of a template's functions. Functions then read this version
 * until the next deployment: a new secret reaches either all of them or none, and a rollback restores the old versions.
 * @param versions the version by the parameter's name
 */
export function pinVersions(template: Template, versions: ReadonlyMap<string, number>): void {
  for (const variables of environmentsIn(template)) {
    for (const [variable, value] of Object.entries(variables)) {
      const version = versions.get(REFERENCE.exec(String(value))?.[1] ?? "");
      if (version !== undefined) variables[variable] = `${String(value).replace(/:\d+$/, "")}:${version}`;
    }
  }
}

/** Returns the version of each parameter that a template's functions read, by the parameter's name. */
export function versionsIn(template: Template): ReadonlyMap<string, string> {
  const values = environmentsIn(template).flatMap((variables) => Object.values(variables));
  return new Map(
    values.flatMap((value) => {
      const [, name, version] = REFERENCE.exec(String(value)) ?? [];
      return name && version ? [[name, version] as const] : [];
    }),
  );
}

const environmentsIn = (template: Template): Record<string, unknown>[] =>
  functionsIn(template).map(({ Properties }) => Properties.Environment?.Variables ?? {});
