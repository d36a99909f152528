import { fileURLToPath } from "node:url";
import { build, type Metafile, type Plugin } from "esbuild";
import { lazyDriver } from "#tools/deploy/lazy_driver.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Optional companions of MongoDB's driver, which looks for them and does without. */
const OPTIONAL_PEERS = [
  "@aws-sdk/credential-providers",
  "@mongodb-js/zstd",
  "gcp-metadata",
  "kerberos",
  "mongodb-client-encryption",
  "snappy",
  "socks",
];

export interface Bundle {
  name: string;
  /** The whole function, in one CommonJS file. */
  code: Uint8Array;
  /** Where its lines come from. */
  map: Uint8Array;
}

/**
 * Bundles every function in one run of esbuild. CommonJS, because it loads fastest and needs no banner; minified for the
 * zip's size; `module` before `main`, so that what is not used can be dropped.
 * @param sources entry files by name, from the root of the repository
 * @param options.plugins for the bench, which compares with a driver as it comes
 */
export async function bundle(
  sources: Readonly<Record<string, string>>,
  { plugins = [lazyDriver] }: { plugins?: Plugin[] } = {},
): Promise<{ bundles: Bundle[]; metafile: Metafile }> {
  const { outputFiles, metafile, warnings } = await build({
    absWorkingDir: ROOT,
    entryPoints: Object.fromEntries(Object.entries(sources).map(([name, source]) => [name, source])),
    outdir: "dist/functions",
    write: false,
    bundle: true,
    minify: true,
    metafile: true,
    sourcemap: "external",
    sourcesContent: false,
    platform: "node",
    target: "node24",
    format: "cjs",
    mainFields: ["module", "main"],
    alias: { "whatwg-url": "./tools/deploy/node_url.ts" },
    external: OPTIONAL_PEERS,
    plugins,
    logLevel: "warning",
  });
  if (warnings.length > 0) throw new Error("esbuild has warnings; see above.");
  const fileOf = (name: string, ending: string) => {
    const file = outputFiles.find(({ path }) => path.replaceAll("\\", "/").endsWith(`/${name}${ending}`));
    if (!file) throw new Error(`esbuild made no ${name}${ending}.`);
    return file.contents;
  };
  const bundles = Object.keys(sources).map((name) => ({
    name,
    code: fileOf(name, ".js"),
    map: fileOf(name, ".js.map"),
  }));
  return { bundles, metafile };
}
