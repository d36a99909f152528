import { readFile } from "node:fs/promises";
import type { Plugin } from "esbuild";

/** A row of the table: a status and a description. */
const ROW = /\[\s*(\d{3}),\s*"(?:[^"\\]|\\.)*",?\s*\]/g;

/** Drops the descriptions from the error table. Functions read statuses only, and the text would be 3 KB in each bundle. */
export const shortErrors: Plugin = {
  name: "short-errors",
  setup(build) {
    build.onLoad({ filter: /src[\\/]core[\\/]error_codes\.ts$/ }, async ({ path }) => ({
      contents: (await readFile(path, "utf8")).replace(ROW, "[$1]"),
      loader: "ts",
    }));
  },
};
