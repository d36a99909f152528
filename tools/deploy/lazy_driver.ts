import { readFile } from "node:fs/promises";
import type { Plugin } from "esbuild";

/** An import as TypeScript compiles it to CommonJS. TypeScript generates the name, so nothing else has it. */
const IMPORT = /^const (\w*_\d+) = require\(("[^"]+")\);$/gm;

/** Client-side encryption: it can't work in a function, since the bundle leaves out its native part, mongodb-client-encryption. */
const ENCRYPTION = /node_modules[\\/]mongodb[\\/]lib[\\/]client-side-encryption[\\/].*\.js$/;

/**
 * Makes a compiled module load each import at its first use. Compiled code names an import by its whole object each time
 * (`utils_1.now()`), so a function that returns the object can replace the name. In an import cycle, modules see each other
 * at least as complete as before.
 * @param code of a module that TypeScript compiled to CommonJS
 * @throws Error if a property has the name of an import
 */
export function loadWhenUsed(code: string): string {
  const names = [...code.matchAll(IMPORT)].map(([, name = ""]) => name);
  const lazy = code.replace(IMPORT, "let $1_module;\nconst $1_load = () => ($1_module ??= require($2));");
  return names.reduce((text, name) => {
    // `that.utils_1` is not the import; `...utils_1` is.
    if (new RegExp(`(?<!\\.\\.)\\.${name}\\b`).test(text)) throw new Error(`${name} is also a property.`);
    // Parentheses, since `new utils_1_load().List()` would call the loader as a constructor.
    return text.replaceAll(new RegExp(`\\b${name}\\b`, "g"), `(${name}_load())`);
  }, lazy);
}

/**
 * Bundles MongoDB's driver so that each of its modules loads at its first use. Nest never uses most of it (GridFS, change
 * streams, most authentication mechanisms), and loading all of it takes nearly half of the driver's start (decision 19).
 */
export const lazyDriver: Plugin = {
  name: "lazy-driver",
  setup(build) {
    build.onLoad({ filter: ENCRYPTION }, () => ({ contents: "", loader: "js" }));
    build.onLoad(
      { filter: /node_modules[\\/](mongodb|mongodb-connection-string-url)[\\/]lib[\\/].*\.js$/ },
      async ({ path }) => ({
        contents: loadWhenUsed(await readFile(path, "utf8")),
        loader: "js",
      }),
    );
  },
};
