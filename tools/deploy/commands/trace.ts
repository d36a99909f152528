/**
 * `npm run trace -- <function> "<log line>"`: names the places in the source that a log line names in a bundled function.
 * Reads the map that `npm run package` wrote; run that at the commit that was deployed.
 */
import { readFile } from "node:fs/promises";
import { SourceMap, type SourceMapPayload } from "node:module";
import { join } from "node:path";
import { FUNCTIONS_FOLDER } from "#tools/deploy/package.ts";
import { ROOT } from "#tools/deploy/serverless.ts";

const [name = "", ...words] = process.argv.slice(2);
const places = [...words.join(" ").matchAll(/index\.js:(\d+):(\d+)/g)];
const file = join(ROOT, FUNCTIONS_FOLDER, `${name}.js.map`);
const map = await readFile(file, "utf8").catch(() => null);
if (map === null || places.length === 0) {
  console.error(
    map === null
      ? `There is no map of a function ${name || "(say which)"}. Run npm run package.`
      : "That names no place: say the line that holds index.js:<line>:<column>.",
  );
  process.exitCode = 2;
} else {
  const source = new SourceMap(JSON.parse(map) as SourceMapPayload);
  for (const [place, line, column] of places) {
    // V8 counts from 1, maps from 0.
    const entry = source.findEntry(Number(line) - 1, Number(column) - 1);
    const found = "originalSource" in entry ? entry : null;
    const path = found?.originalSource.replace(/^(\.\.\/)+/, "");
    console.log(
      found ? `${path}:${found.originalLine + 1}:${found.originalColumn + 1}` : `${place}: unknown`,
    );
  }
}
