import { stringify } from "yaml";
import type { DeployedFunction } from "#tools/stage/functions.ts";
import { listRoles, type Role } from "#tools/stage/roles.ts";
import { serverlessFunction } from "#tools/stage/serverless_functions.ts";

const GENERATED_BY =
  "# Generated from the code by `node tools/deploy/write_functions.ts`. Change the code, not this file.\n";

const yaml = (value: unknown) => stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });
const indent = (text: string) => text.replace(/^(?=.)/gm, "  ");

/** Returns the parts of serverless.yml that follow from the functions' declarations, by path from the root. */
export function generatedFiles(functions: readonly DeployedFunction[]): Readonly<Record<string, string>> {
  const entries = functions.map((deployed) => yaml({ [deployed.name]: serverlessFunction(deployed) }));
  const roles = listRoles(functions).map(roleEntry);
  return {
    "deploy/functions.yml": `${GENERATED_BY}\n${entries.join("\n")}`,
    "deploy/roles.yml": `${GENERATED_BY}\nResources:\n${roles.join("\n")}`,
  };
}

/** A role with its functions as a comment, so that a review shows which functions gain or lose a permission. */
function roleEntry({ id, resource, functions }: Role): string {
  const names = functions.map((name) => `#   ${name}\n`).join("");
  return indent(`# Role of:\n${names}${yaml({ [id]: resource })}`);
}
