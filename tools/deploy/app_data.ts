import type { Plugin } from "esbuild";
import type { App } from "#core/app/app.ts";
import type { AppMessages } from "#core/app/mail_texts.ts";

/** No function serves the landing page. */
const mailsOnly = (messages: AppMessages) =>
  Object.fromEntries(Object.entries(messages).map(([locale, { landing: _, ...texts }]) => [locale, texts]));

/** Bundles the checked settings and texts of an app as data, so that functions neither read its files nor check them. */
export const appData = (app: App, messages: AppMessages): Plugin => ({
  name: "app-data",
  setup(build) {
    const data: Readonly<Record<string, object>> = { "#app": app, "#app/messages.ts": mailsOnly(messages) };
    build.onResolve({ filter: /^#app(\/messages\.ts)?$/ }, ({ path }) => ({
      path,
      namespace: "app-data",
      // A function without mail contains no texts.
      sideEffects: false,
    }));
    build.onLoad({ filter: /.*/, namespace: "app-data" }, ({ path }) => ({
      contents: JSON.stringify(data[path]),
      loader: "json",
    }));
  },
});
