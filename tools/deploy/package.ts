/**
 * `npm run package`: bundles every function and writes one zip each into `dist/functions/`, with its source map beside
 * it. Maps are not in the zip: they are larger than the code, and reading one slows a function's start. The same commit
 * gives the same bytes, so a map can be had again whenever a log line has to be read (`npm run trace`).
 */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { bundle } from "#tools/deploy/bundle.ts";
import { zipFunction } from "#tools/deploy/zip.ts";
import { listFunctions } from "#tools/stage/functions.ts";
import { table } from "#tools/terminal/command.ts";

/** Where zips are, from the root of the repository. */
export const FUNCTIONS_FOLDER = "dist/functions";

const kb = (bytes: number) => `${(bytes / 1024).toFixed(1)} KB`.padStart(10);

/**
 * Packages every function.
 * @param folder where to; emptied first
 */
export async function packageFunctions(folder: string, say: (line: string) => void): Promise<void> {
  const functions = await listFunctions();
  const { bundles, metafile } = await bundle(
    Object.fromEntries(functions.map(({ name, source }) => [name, source])),
  );
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const sizes = await Promise.all(
    bundles.map(async ({ name, code, map }) => {
      const zip = zipFunction(code);
      await writeFile(join(folder, `${name}.zip`), zip);
      await writeFile(join(folder, `${name}.js.map`), map);
      return [name, kb(code.length), kb(zip.length)];
    }),
  );
  await writeFile(join(folder, "metafile.json"), JSON.stringify(metafile));
  for (const line of table([["Function", "      Code", "       Zip"], ...sizes])) say(line);
}
