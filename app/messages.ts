import app from "#app";
import { appFolder } from "#app/load_app.ts";
import { loadMessages } from "#app/load_messages.ts";
import { exitWithMessage } from "#app/read_file.ts";

/** The texts of the app that this process runs. A bundled function contains the checked texts instead of this file. */
export default await loadMessages(appFolder, app).catch(exitWithMessage);
