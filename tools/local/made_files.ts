import { readFile } from "node:fs/promises";
import { bundleClient } from "#tools/local/client_bundle.ts";

const DOCUMENT = new URL("../../docs/openapi.json", import.meta.url);

/** Files that are made when they are asked for, by their path. */
export const MADE_FILES: Readonly<
  Record<string, (url: string) => Promise<{ type: string; content: string }>>
> = {
  "/openapi.json": async (url) => ({ type: "application/json", content: await documentOf(url) }),
  "/client.js": async () => ({
    type: "text/javascript; charset=utf-8",
    content: await bundleClient({ minify: false }),
  }),
};

/** The committed OpenAPI document, which names this server as its own, so that tools pointed at it ask here. */
async function documentOf(url: string): Promise<string> {
  const document = JSON.parse(await readFile(DOCUMENT, "utf8")) as { servers: unknown };
  return JSON.stringify({ ...document, servers: [{ url, description: "This machine" }] }, null, 2);
}
