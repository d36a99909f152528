import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import app from "#app";
import { appFolder } from "#app/load_app.ts";
import messages from "#app/messages.ts";
import { fillMarkup } from "#core/messages/html.ts";
import {
  type ConsoleSettings,
  consoleLogo,
  consolePage,
  consoleScript,
  consoleStyles,
} from "#tools/console/build_console.ts";
import { buildLandingPage, colorsOf } from "#tools/landing/landing_page.ts";
import { bundleClient, type CLIENT_ENTRIES } from "#tools/local/client_bundle.ts";
import { ensureScalar } from "#tools/local/reference/scalar.ts";
import { CONSOLE_PATH, SAMPLE_CLIENT_IDS, withSampleClients } from "#tools/local/sample_clients.ts";

const ROOT = new URL("../../", import.meta.url);
const JAVASCRIPT = "text/javascript; charset=utf-8";

export interface ServedFile {
  /** 200 if there is none. */
  status?: number;
  type: string;
  content: string | Buffer;
}

/** Files that are not read from a folder of this repository, by their path. `origin` is the local stack's own. */
export const GENERATED_FILES: Readonly<Record<string, (origin: string) => Promise<ServedFile>>> = {
  "/": localPage,
  "/openapi.json": async (origin) => ({ type: "application/json", content: await localDocument(origin) }),
  "/client.js": () => clientFile("index"),
  "/passkeys.js": () => clientFile("passkeys"),
  "/messages.js": () => clientFile("messages"),
  "/docs/scalar.js": scalarScript,
  "/assets/logo.svg": async () => ({ type: "image/svg+xml", content: await readFile(logoPath()) }),
  "/assets/app.css": async () => ({ type: "text/css; charset=utf-8", content: colorsOf(app) }),
  "/magic-link": () => landingFile("index.html", "text/html; charset=utf-8"),
  "/magic-link/landing.css": () => landingFile("landing.css", "text/css; charset=utf-8"),
  "/magic-link/landing.js": () => landingFile("landing.js", JAVASCRIPT),
  "/magic-link/passkey.js": () => landingFile("passkey.js", JAVASCRIPT),
  "/magic-link/read_link.js": () => landingFile("read_link.js", JAVASCRIPT),
  "/magic-link/reset_password.js": () => landingFile("reset_password.js", JAVASCRIPT),
  "/magic-link/logo.svg": () => landingFile("logo.svg", "image/svg+xml"),
  [CONSOLE_PATH]: async (origin) => ({
    type: "text/html; charset=utf-8",
    content: await consolePage(consoleAt(origin)),
  }),
  [`${CONSOLE_PATH}/console.js`]: async () => ({ type: JAVASCRIPT, content: await consoleScript() }),
  [`${CONSOLE_PATH}/console.css`]: async (origin) => ({
    type: "text/css; charset=utf-8",
    content: await consoleStyles(consoleAt(origin)),
  }),
  [`${CONSOLE_PATH}/logo.svg`]: async (origin) => ({
    type: "image/svg+xml",
    content: await consoleLogo(consoleAt(origin)),
  }),
};

/** The console of this stack, which signs in with a sample client. */
const consoleAt = (origin: string): ConsoleSettings => ({
  ...{ app: withSampleClients(app, origin), folder: appFolder, api: origin, clientId: SAMPLE_CLIENT_IDS.web },
  ...{ url: `${origin}${CONSOLE_PATH}`, base: `${CONSOLE_PATH}/`, inbox: "/" },
  grant: "npm run nest -- users grant {user} admin --local",
});

/** An entry point of the typed client as one file. */
const clientFile = async (entry: (typeof CLIENT_ENTRIES)[number]): Promise<ServedFile> => ({
  ...{ type: JAVASCRIPT, content: await bundleClient({ minify: false, entry }) },
});

/** The local page with the app's name. */
async function localPage(): Promise<ServedFile> {
  const page = await readFile(new URL("tools/local/page/index.html", ROOT), "utf8");
  return { type: "text/html; charset=utf-8", content: nameApp(page, app.name) };
}

/** Puts the name of an app into a page. Special patterns of `replace`, such as `$&`, have no effect. */
export const nameApp = (page: string, app: string) => fillMarkup(page, { app }).markup;

const logoPath = () => resolve(fileURLToPath(ROOT), appFolder, app.logo);

/** A file of the page that magic links open, built for the app of this process. */
async function landingFile(name: string, type: string): Promise<ServedFile> {
  const files = await buildLandingPage({ app, folder: appFolder, messages, base: "/magic-link/" });
  return { type, content: files.get(name) ?? "" };
}

/**
 * The OpenAPI document with this stack as its only server, so that tools send their requests here. It is built here, because
 * the committed document may have the examples of another app.
 */
async function localDocument(origin: string): Promise<string> {
  const { buildDocument } = await import("#tools/openapi/document.ts");
  const document = await buildDocument();
  return JSON.stringify({ ...document, servers: [{ url: origin, description: "This machine" }] }, null, 2);
}

async function scalarScript(): Promise<ServedFile> {
  try {
    return { type: JAVASCRIPT, content: await readFile(await ensureScalar()) };
  } catch (error) {
    const [reason] = (error as Error).message.split("\n");
    const content = `Scalar, which draws this page, could not be downloaded (${reason}). Connect to the network and reload the page.`;
    return { status: 503, type: "text/plain; charset=utf-8", content };
  }
}
