import { pathToFileURL } from "node:url";
import { isMainThread } from "node:worker_threads";
import { AppError } from "#core/app/read_app.ts";

/**
 * Imports a file of an app.
 * @param path its absolute path
 * @param file its name in an error
 * @returns its default export
 * @throws AppError that says why the file can't be imported, and in which line
 */
export async function importFile(path: string, file: string): Promise<unknown> {
  try {
    const module: { default?: unknown } = await import(pathToFileURL(path).href);
    return module.default;
  } catch (error) {
    throw new AppError(file, [reasonOf(error, path)]);
  }
}

function reasonOf(error: unknown, path: string): string {
  if (!(error instanceof Error)) return `the file throws ${String(error)}. Correct the file.`;
  if ((error as NodeJS.ErrnoException).code === "ERR_PACKAGE_IMPORT_NOT_DEFINED")
    return "the file imports a part of Nest, but is outside Nest's folder. Move the app to app/<name>.";
  const [, line] = error.stack?.split(path)[1]?.match(/^:(\d+)/) ?? [];
  const [what = ""] = error.message.split("\n");
  return `${line === undefined ? "" : `line ${line}: `}${error.name}: ${what}. Correct the file.`;
}

/** Ends the program with the message of an error in a file of the app. A stack trace would hide what to change. */
export function exitWithMessage(error: unknown): never {
  if (!(error instanceof AppError && isMainThread)) throw error;
  console.error(error.message);
  process.exit(1);
}
