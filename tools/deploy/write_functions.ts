/**
 * Writes the parts of serverless.yml that follow from the code: `deploy/functions.yml` and `deploy/roles.yml`. With
 * `--check` it writes nothing: it names the stale files and exits with status 1.
 */
import { readFile, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { generatedFiles } from "#tools/deploy/generated_files.ts";
import { listFunctions } from "#tools/stage/functions.ts";

const ROOT = new URL("../../", import.meta.url);

const { values } = parseArgs({ options: { check: { type: "boolean", default: false } } });
for (const [path, content] of Object.entries(generatedFiles(await listFunctions()))) {
  const file = new URL(path, ROOT);
  if ((await readFile(file, "utf8").catch(() => null)) === content) continue;
  if (values.check) {
    console.error(`${path} is stale: run \`node tools/deploy/write_functions.ts\``);
    process.exitCode = 1;
  } else {
    await writeFile(file, content);
    console.log(`wrote ${path}`);
  }
}
