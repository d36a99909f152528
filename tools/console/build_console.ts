import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { App } from "#core/app/app.ts";
import { html } from "#core/messages/html.ts";
import { colorsOf } from "#tools/landing/landing_page.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const page = (file: string) => resolve(ROOT, "tools/console/page", file);

/** What the console is built for. */
export interface ConsoleSettings {
  app: Pick<App, "name" | "logo" | "colors" | "clients">;
  /** The folder of the app. */
  folder: string;
  /** The URL of Nest, without a path. */
  api: string;
  /** The OAuth client that the console signs in with. Its cookies must be enabled. */
  clientId: string;
  /** Where the console is served: one of the client's redirect URIs. */
  url: string;
  /** Stands before the names of the page's other files; empty if they are in the same folder. */
  base: string;
  /** How a person becomes an administrator. `{user}` is replaced with the id of the signed-in user. */
  grant: string;
  /** Says where mail arrives, on a stack that sends none. */
  inbox: string | null;
}

/**
 * Writes the page of the console. It may call Nest at `api` and nothing else, and run no script but its own.
 * @returns HTML
 */
export async function consolePage(settings: ConsoleSettings): Promise<string> {
  const { app, api, clientId, url, base, grant, inbox } = settings;
  const clients = Object.fromEntries(app.clients.map(({ id, name }) => [id, name]));
  const shown = { app: app.name, logo: `${base}logo.svg`, clients };
  const data = JSON.stringify({ ...shown, api, clientId, url, grant, inbox });
  const values: Readonly<Record<string, string>> = { app: app.name, base, api, settings: data };
  const markup = await readFile(page("index.html"), "utf8");
  return markup.replace(/\{\{(\w+)\}\}/g, (_whole, name: string) => String(html`${values[name] ?? ""}`));
}

/** Bundles the script of the console, with the typed client, for browsers. */
export async function consoleScript(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [page("main.tsx")],
    bundle: true,
    write: false,
    format: "esm",
    platform: "browser",
    target: "es2022",
    minify: true,
    jsx: "automatic",
    jsxImportSource: "preact",
    // The hooks of the typed client are written for React.
    alias: { react: resolve(ROOT, "tools/console/react_hooks.ts") },
    legalComments: "none",
  });
  return outputFiles[0]?.text ?? "";
}

/** The styles of the console, in the colors of the app. */
export const consoleStyles = async ({ app }: Pick<ConsoleSettings, "app">): Promise<string> =>
  `${await readFile(page("console.css"), "utf8")}${colorsOf(app)}`;

/** The logo of the app. */
export const consoleLogo = ({ app, folder }: Pick<ConsoleSettings, "app" | "folder">): Promise<string> =>
  readFile(resolve(ROOT, folder, app.logo), "utf8");

/**
 * Builds the console: static files that any web server can serve.
 * @returns the content of each file by its name
 */
export async function buildConsole(settings: ConsoleSettings): Promise<Map<string, string>> {
  return new Map([
    ["index.html", await consolePage(settings)],
    ["console.css", await consoleStyles(settings)],
    ["console.js", await consoleScript()],
    ["logo.svg", await consoleLogo(settings)],
  ]);
}
