import { fileURLToPath } from "node:url";
import { build, type Metafile, type Plugin } from "esbuild";
import currentApp from "#app";
import currentMessages from "#app/messages.ts";
import type { App } from "#core/app/app.ts";
import type { AppMessages } from "#core/app/mail_texts.ts";
import { appData } from "#tools/deploy/app_data.ts";
import { lazyDriver } from "#tools/deploy/lazy_driver.ts";
import { nativeAddOns, usesAddOn } from "#tools/deploy/native_add_ons.ts";
import { noCertificates } from "#tools/deploy/no_certificates.ts";
import { shortErrors } from "#tools/deploy/short_errors.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Optional dependencies of MongoDB's driver, which are not installed. The driver works without them. */
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
  /** The function's code in one CommonJS file. */
  code: Uint8Array;
  /** Its source map; empty without `hasMaps`. */
  map: Uint8Array;
  /** Whether the code loads the native add-on `ADD_ON` from beside it. */
  usesAddOn: boolean;
}

/**
 * Bundles functions in one run of esbuild. CommonJS loads fastest and needs no banner. Minified code makes a small zip.
 * `module` before `main` lets esbuild drop unused exports.
 * @param sources entry files by name, from the root of the repository
 * @param options.plugins replaces our plugins: the bench compares with an unchanged driver
 * @param options.app its settings are bundled; by default those of the app of this process
 * @param options.messages the texts of that app
 * @param options.hasMaps whether to write source maps, which take a quarter of the time
 * @throws Error if esbuild warns
 */
export async function bundle(
  sources: Readonly<Record<string, string>>,
  {
    app = currentApp,
    messages = currentMessages,
    plugins = [lazyDriver, shortErrors, nativeAddOns, noCertificates, appData(app, messages)],
    hasMaps = true,
  }: { app?: App; messages?: AppMessages; plugins?: Plugin[]; hasMaps?: boolean } = {},
): Promise<{ bundles: Bundle[]; metafile: Metafile }> {
  const { outputFiles, metafile, warnings } = await build({
    absWorkingDir: ROOT,
    entryPoints: { ...sources },
    outdir: "dist/functions",
    write: false,
    bundle: true,
    minify: true,
    metafile: true,
    sourcemap: hasMaps ? "external" : false,
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
  if (warnings.length > 0)
    throw new Error(
      "esbuild printed warnings, see above. Correct them: a warning may be an error at run time.",
    );
  const fileOf = (name: string, ending: string) => {
    const file = outputFiles.find(({ path }) => path.replaceAll("\\", "/").endsWith(`/${name}${ending}`));
    if (!file) throw new Error(`esbuild wrote no ${name}${ending}.`);
    return file.contents;
  };
  const outputOf = (name: string) => metafile.outputs[`dist/functions/${name}.js`];
  const bundles = Object.keys(sources).map((name) => {
    const output = outputOf(name);
    if (!output) throw new Error(`esbuild's metafile has no ${name}.js.`);
    const map = hasMaps ? fileOf(name, ".js.map") : new Uint8Array();
    return { name, code: fileOf(name, ".js"), map, usesAddOn: usesAddOn(output) };
  });
  return { bundles, metafile };
}
