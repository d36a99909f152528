import { existsSync } from "node:fs";
import { relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { importFile } from "#app/read_file.ts";
import type { App } from "#core/app/app.ts";
import { AppError, readApp } from "#core/app/read_app.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** The folder of the app that this process runs, from the root of the repository: NEST_APP, or `app/beak`. */
export const appFolder = process.env.NEST_APP || "app/beak";

/**
 * Loads and checks an app.
 * @param folder holds `app.ts`; a relative path begins at the root of the repository
 * @throws AppError that names the file, each wrong field, its rule and how to mend it
 */
export async function loadApp(folder: string): Promise<App> {
  const path = resolve(ROOT, folder, "app.ts");
  const file = relative(ROOT, path).replaceAll("\\", "/");
  if (!existsSync(path))
    throw new AppError(file, [
      "the file does not exist. Set NEST_APP to a folder that has an app.ts, such as app/beak.",
    ]);
  const app = readApp(await importFile(path, file), file);
  if (!existsSync(resolve(ROOT, folder, app.logo)))
    throw new AppError(file, [`logo is "${app.logo}", but ${folder} has no such file. Add it.`]);
  return app;
}
