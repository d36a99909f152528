import { appFolder, loadApp } from "#app/load_app.ts";
import { exitWithMessage } from "#app/read_file.ts";

/** The app that this process runs. A bundled function contains its checked settings instead of this file. */
export default await loadApp(appFolder).catch(exitWithMessage);
