/**
 * Writes the parts of serverless.yml that follow from the code: `deploy/functions.yml` and `deploy/roles.yml`. With
 * `--check` it writes nothing, names what no longer agrees with the code and ends with status 1.
 */
import { readFile, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { stringify } from "yaml";
import { listFunctions } from "#tools/stage/functions.ts";
import { roleOf } from "#tools/stage/roles.ts";
import { roleId, serverlessFunction } from "#tools/stage/serverless_functions.ts";

const ROOT = new URL("../../", import.meta.url);
const MADE_BY =
  "# Made by `node tools/deploy/write_functions.ts` from the code. Change the code, not this file.\n";

const functions = await listFunctions();
const yaml = (value: unknown) => stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });

const FILES = {
  "deploy/functions.yml": functions
    .map((deployed) => yaml({ [deployed.name]: serverlessFunction(deployed) }))
    .join("\n"),
  "deploy/roles.yml": yaml({
    Resources: Object.fromEntries(functions.map((deployed) => [roleId(deployed.name), roleOf(deployed)])),
  }),
};

const { values } = parseArgs({ options: { check: { type: "boolean", default: false } } });
for (const [path, content] of Object.entries(FILES)) {
  const file = new URL(path, ROOT);
  const wanted = `${MADE_BY}\n${content}`;
  if ((await readFile(file, "utf8").catch(() => null)) === wanted) continue;
  if (values.check) {
    console.error(`${path} is stale: run \`node tools/deploy/write_functions.ts\``);
    process.exitCode = 1;
  } else {
    await writeFile(file, wanted);
    console.log(`wrote ${path}`);
  }
}
