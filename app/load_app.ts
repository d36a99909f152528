import { existsSync } from "node:fs";
import { basename, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { importFile } from "#app/read_file.ts";
import type { App } from "#core/app/app.ts";
import { AppError, readApp } from "#core/app/read_app.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** The folder of the app that this process runs, from the root of the repository: NEST_APP, or `app/beak`. */
export const appFolder = process.env.NEST_APP || "app/beak";

/** The name of that folder, such as `beak`. */
export const appName = basename(appFolder);

/**
 * Loads and checks an app.
 * @param folder holds `app.ts`; a relative path begins at the root of the repository
 * @throws AppError that names the file, each wrong field, its rule and how to correct it
 */
export async function loadApp(folder: string): Promise<App> {
  const path = resolve(ROOT, folder, "app.ts");
  const file = relative(ROOT, path).replaceAll("\\", "/");
  if (!existsSync(path)) throw new AppError(file, [missing(folder)]);
  const app = readApp(await importFile(path, file), file);
  if (!existsSync(resolve(ROOT, folder, app.logo)))
    throw new AppError(file, [`logo is "${app.logo}", but ${folder} has no such file. Add it.`]);
  return app;
}

/** How to correct a NEST_APP that names no app: its folder is below `app`, or it is not created yet. */
function missing(folder: string): string {
  const name = basename(folder);
  if (existsSync(resolve(ROOT, "app", name, "app.ts")))
    return `the file does not exist. Set NEST_APP to app/${name}.`;
  return `the file does not exist. Set NEST_APP to a folder that has an app.ts, such as app/beak, or create the app: \`NEST_APP= npm run nest -- app create ${name}\`.`;
}
