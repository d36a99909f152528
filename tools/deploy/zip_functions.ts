import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Metafile } from "esbuild";
import { bundle } from "#tools/deploy/bundle.ts";
import { ADD_ON, readAddOn } from "#tools/deploy/native_add_ons.ts";
import { zipFunction } from "#tools/deploy/zip.ts";
import { type DeployedFunction, listFunctions } from "#tools/stage/functions.ts";
import { table } from "#tools/terminal/table.ts";

/** A function's zip and the size of the code in it. */
interface FunctionZip {
  name: string;
  zip: Uint8Array;
  codeBytes: number;
  map: Uint8Array;
}

/** Where `npm run package` writes, from the root of the repository. */
export const PACKAGE_FOLDER = "dist/functions";

/**
 * Writes the zip of each of these functions into a folder, which the framework then deploys.
 * @param target where the functions will run: in Lambda, or in a rehearsal on this machine
 * @returns a table of sizes, a line for each function
 */
export async function writeZips(
  folder: string,
  functions: readonly DeployedFunction[],
  target: "lambda" | "here",
): Promise<string[]> {
  const { zips } = await zipFunctions(functions, target);
  await mkdir(folder, { recursive: true });
  for (const { name, zip } of zips) await writeFile(join(folder, `${name}.zip`), zip);
  return sizeTable(zips);
}

/**
 * Writes the zip and the source map of every function, and esbuild's metafile, into an emptied folder. Source maps are
 * not in the zips: they are larger than the code, and reading one slows a cold start. The same commit gives the same
 * bytes, so `trace` can read a map that was made later.
 * @returns a table of sizes, a line for each function
 */
export async function writePackage(folder: string): Promise<string[]> {
  const { zips, metafile } = await zipFunctions(await listFunctions(), "lambda");
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const { name, zip, map } of zips) {
    await writeFile(join(folder, `${name}.zip`), zip);
    await writeFile(join(folder, `${name}.js.map`), map);
  }
  await writeFile(join(folder, "metafile.json"), JSON.stringify(metafile));
  return sizeTable(zips);
}

async function zipFunctions(
  functions: readonly DeployedFunction[],
  target: "lambda" | "here",
): Promise<{ zips: FunctionZip[]; metafile: Metafile }> {
  const sources = Object.fromEntries(functions.map(({ name, source }) => [name, source]));
  const { bundles, metafile } = await bundle(sources);
  const addOn: Record<string, Uint8Array> = bundles.some(({ usesAddOn }) => usesAddOn)
    ? { [ADD_ON]: await readAddOn(target) }
    : {};
  const zips = bundles.map(({ name, code, map, usesAddOn }) => ({
    name,
    zip: zipFunction(code, usesAddOn ? addOn : {}),
    codeBytes: code.length,
    map,
  }));
  return { zips, metafile };
}

const kb = (bytes: number) => `${(bytes / 1024).toFixed(1)} KB`.padStart(10);

const sizeTable = (zips: readonly FunctionZip[]): string[] =>
  table(
    zips.map(({ name, codeBytes, zip }) => [name, kb(codeBytes), kb(zip.length)]),
    ["Function", "      Code", "       Zip"],
  );
