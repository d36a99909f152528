import { readFile } from "node:fs/promises";
import type { Plugin } from "esbuild";

/** What TypeScript makes of an import when it writes CommonJS; the name is its own and used for nothing else. */
const IMPORT = /^const (\w*_\d+) = require\(("[^"]+")\);$/gm;

/** Client-side encryption can't work in a function: its native companion, mongodb-client-encryption, is left out too. */
const ENCRYPTION = /node_modules[\\/]mongodb[\\/]lib[\\/]client-side-encryption[\\/].*\.js$/;

/**
 * Lets a module that TypeScript compiled load what it imports when it first uses it. The compiled code names an import by
 * its whole object each time (`utils_1.now()`), so the object may as well be the answer of a function; modules that name
 * each other in a circle find each other at least as complete as before.
 * @throws Error if a name is not used as compiled code uses it
 */
export function loadWhenUsed(code: string): string {
  const names = [...code.matchAll(IMPORT)].map(([, name = ""]) => name);
  const lazy = code.replace(IMPORT, "let $1_module;\nconst $1_load = () => ($1_module ??= require($2));");
  return names.reduce((text, name) => {
    // `that.utils_1` would be another thing of that name; three dots only spread this one.
    if (new RegExp(`(?<!\\.\\.)\\.${name}\\b`).test(text)) throw new Error(`${name} is also a property.`);
    // In brackets, or `new utils_1.List()` would make an instance of the function.
    return text.replaceAll(new RegExp(`\\b${name}\\b`, "g"), `(${name}_load())`);
  }, lazy);
}

/**
 * Of MongoDB's driver most is never used: encryption, GridFS, change streams, ways to log in. Each function holds it, and
 * without this runs all of it while it starts, which is nearly half of what loading the driver takes.
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
