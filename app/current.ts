import { isMainThread } from "node:worker_threads";
import { appFolder, loadApp } from "#app/load_app.ts";
import { AppError } from "#core/app/read_app.ts";

/** The app that this process runs. A bundled function contains its checked settings instead of this file. */
export default await loadApp(appFolder).catch((error: unknown) => {
  // No program can go on without its app. A stack trace would hide what to change.
  if (!(error instanceof AppError && isMainThread)) throw error;
  console.error(error.message);
  process.exit(1);
});
