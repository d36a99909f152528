import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { App } from "#core/app/app.ts";
import type { AppMessages } from "#core/app/mail_texts.ts";
import { directionOf } from "#core/messages/direction.ts";
import { html } from "#core/messages/html.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const read = (file: string) => readFile(resolve(ROOT, "src/landing", file), "utf8");

/** What a landing page is made of. */
interface Landing {
  app: App;
  /** The folder of the app. */
  folder: string;
  messages: AppMessages;
  /** Stands before the names of the page's other files; empty if they are in the same folder. */
  base: string;
}

/**
 * Builds the page that a magic link opens. It is static, so any web server can serve its files.
 * @returns the content of each file by its name
 */
export async function buildLandingPage({
  app,
  folder,
  messages,
  base,
}: Landing): Promise<Map<string, string>> {
  const [locale] = app.locales;
  const texts = Object.fromEntries(
    app.locales.map((each) => [each, fill(messages[each]?.landing ?? {}, app.name)]),
  );
  const rightToLeft = app.locales.filter((each) => directionOf(each) === "rtl");
  // On the stage `local`, the local stack serves this page and the API.
  const apis = { ...app.urls.api, local: "" };
  const data = JSON.stringify({ deepLink: app.urls.deepLink, apis, texts, rightToLeft });
  const api = ["'self'", ...Object.values(app.urls.api)].join(" ");
  const values: Readonly<Record<string, string>> = { ...texts[locale], base, api, app: data };
  const page = (await read("index.html"))
    .replace('lang="en"', `lang="${locale}" dir="${directionOf(locale)}"`)
    .replace(/\{\{(\w+)\}\}/g, (_whole, name: string) => String(html`${values[name] ?? ""}`));
  return new Map([
    ["index.html", page],
    ["landing.css", `${await read("landing.css")}${colorsOf(app)}`],
    ["landing.js", await read("landing.js")],
    ["passkey.js", await read("passkey.js")],
    ["read_link.js", await read("read_link.js")],
    ["reset_password.js", await read("reset_password.js")],
    ["logo.svg", await readFile(resolve(ROOT, folder, app.logo), "utf8")],
  ]);
}

const fill = (texts: Readonly<Record<string, string>>, name: string) =>
  Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, text.replaceAll("{app}", () => name)]));

/** The app's colors, which replace those of a page. */
export function colorsOf({ colors }: Pick<App, "colors">): string {
  const rule = (accent: string, onAccent: string) =>
    `:root { --accent: ${accent}; --on-accent: ${onAccent}; }`;
  return `${rule(colors.accent, colors.onAccent)}
@media (prefers-color-scheme: dark) { ${rule(colors.accentDark, colors.onAccentDark)} }
`;
}
