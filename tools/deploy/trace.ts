import { readFile } from "node:fs/promises";
import { SourceMap, type SourceMapPayload } from "node:module";
import { join } from "node:path";
import { ROOT } from "#tools/deploy/root.ts";
import { PACKAGE_FOLDER } from "#tools/deploy/zip_functions.ts";
import { UsageError } from "#tools/terminal/errors.ts";

/**
 * Translates the places that a log line names in a bundled function, such as `index.js:1:2345`, to places in the source.
 * Reads the source map that `npm run package` wrote.
 * @param name of the function
 * @returns a line for each place: `src/core/keys/keys.ts:12:3`
 * @throws UsageError if there is no map of the function, or the line names no place
 */
export async function trace(name: string, logLine: string): Promise<string[]> {
  const file = join(ROOT, PACKAGE_FOLDER, `${name}.js.map`);
  const map = await readFile(file, "utf8").catch(() => {
    throw new UsageError(
      `There is no source map of a function \`${name}\`. Run \`npm run package\` at the deployed commit; it lists the names.`,
    );
  });
  const places = [...logLine.matchAll(/index\.js:(\d+):(\d+)/g)];
  if (places.length === 0)
    throw new UsageError("The line names no place. Pass the log line that holds index.js:<line>:<column>.");
  const source = new SourceMap(JSON.parse(map) as SourceMapPayload);
  return places.map(([place, line, column]) => {
    // V8 counts lines and columns from 1, source maps from 0.
    const entry = source.findEntry(Number(line) - 1, Number(column) - 1);
    if (!("originalSource" in entry)) return `${place}: not in the source map`;
    const path = entry.originalSource.replace(/^(\.\.\/)+/, "");
    return `${path}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
  });
}
