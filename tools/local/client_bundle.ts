import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** The entry points of the typed client: the client itself, the messages of its errors, the hooks for React, and the browser's calls for passkeys. */
export const CLIENT_ENTRIES = ["index", "messages", "react", "passkeys"] as const;

/** Bundles an entry point of the typed client as one ES module for browsers, Electron and Node. React is not included. */
export async function bundleClient({
  minify,
  entry = "index",
}: {
  minify: boolean;
  entry?: (typeof CLIENT_ENTRIES)[number];
}): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(`../../packages/client/src/${entry}.ts`, import.meta.url))],
    bundle: true,
    write: false,
    format: "esm",
    platform: "neutral",
    target: "es2022",
    external: ["react"],
    minify,
  });
  return outputFiles[0]?.text ?? "";
}
