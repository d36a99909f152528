import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const ENTRY = fileURLToPath(new URL("../../packages/client/src/index.ts", import.meta.url));

/** Bundles the typed client as one ES module for browsers, Electron and Node. */
export async function bundleClient({ minify }: { minify: boolean }): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [ENTRY],
    bundle: true,
    write: false,
    format: "esm",
    platform: "neutral",
    target: "es2022",
    minify,
  });
  return outputFiles[0]?.text ?? "";
}
