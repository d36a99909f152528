import type { Plugin } from "esbuild";
import type { App } from "#core/app/app.ts";

/** Bundles the checked settings of an app as data, so that functions neither read its file nor check it. */
export const appData = (app: App): Plugin => ({
  name: "app-data",
  setup(build) {
    build.onResolve({ filter: /^#app$/ }, () => ({ path: "app", namespace: "app-data" }));
    build.onLoad({ filter: /^app$/, namespace: "app-data" }, () => ({
      contents: JSON.stringify(app),
      loader: "json",
    }));
  },
});
