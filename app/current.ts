import { appFolder, loadApp } from "#app/load_app.ts";

/** The app that this process runs. A bundled function contains its checked settings instead of this file. */
export default await loadApp(appFolder);
