import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { bundleClient, CLIENT_ENTRIES } from "#tools/local/client_bundle.ts";
import { run } from "#tools/machine/child_process.ts";

const FOLDER = fileURLToPath(new URL("../../packages/client/", import.meta.url));
const DIST = join(FOLDER, "dist");
const compiler = createRequire(import.meta.url).resolve("typescript/package.json");

/**
 * Builds the files of the typed client package into `packages/client/dist`.
 * @returns lines with the size of each entry point
 */
export async function buildClient(): Promise<string[]> {
  await rm(DIST, { recursive: true, force: true });
  await mkdir(DIST);
  for (const entry of CLIENT_ENTRIES)
    await writeFile(join(DIST, `${entry}.js`), await bundleClient({ entry, minify: false }));
  const emit = ["--noEmit", "false", "--declaration", "--emitDeclarationOnly", "--outDir", DIST];
  await run(process.execPath, [join(dirname(compiler), "bin", "tsc"), "-p", FOLDER, ...emit]);
  // The published files are .js, so the declarations must import .js.
  for (const file of (await readdir(DIST)).filter((name) => name.endsWith(".d.ts"))) {
    const text = await readFile(join(DIST, file), "utf8");
    await writeFile(join(DIST, file), text.replace(/((?:from |import\()"\.\/\w+)\.ts"/g, '$1.js"'));
  }
  return Promise.all(CLIENT_ENTRIES.map(sizeOf));
}

async function sizeOf(entry: (typeof CLIENT_ENTRIES)[number]): Promise<string> {
  const minified = await bundleClient({ entry, minify: true });
  const kilobytes = (bytes: number) => `${(bytes / 1000).toFixed(1)} kB`;
  const manifest = JSON.parse(await readFile(join(FOLDER, "package.json"), "utf8")) as { name: string };
  const name = `${manifest.name}${entry === "index" ? "" : `/${entry}`}`;
  return `${name}: ${kilobytes(minified.length)} minified, ${kilobytes(gzipSync(minified).length)} with gzip`;
}
