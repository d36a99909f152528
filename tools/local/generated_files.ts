import { readFile } from "node:fs/promises";
import { bundleClient } from "#tools/local/client_bundle.ts";
import { ensureScalar } from "#tools/local/reference/scalar.ts";

const DOCUMENT = new URL("../../docs/openapi.json", import.meta.url);
const JAVASCRIPT = "text/javascript; charset=utf-8";

export interface ServedFile {
  /** 200 if there is none. */
  status?: number;
  type: string;
  content: string | Buffer;
}

/** Files that are not read from a folder of this repository, by their path. `origin` is the local stack's own. */
export const GENERATED_FILES: Readonly<Record<string, (origin: string) => Promise<ServedFile>>> = {
  "/openapi.json": async (origin) => ({ type: "application/json", content: await localDocument(origin) }),
  "/client.js": async () => ({ type: JAVASCRIPT, content: await bundleClient({ minify: false }) }),
  "/docs/scalar.js": scalarScript,
};

/** The committed OpenAPI document with this stack as its only server, so that tools send their requests here. */
async function localDocument(origin: string): Promise<string> {
  const document = JSON.parse(await readFile(DOCUMENT, "utf8")) as { servers: unknown };
  return JSON.stringify({ ...document, servers: [{ url: origin, description: "This machine" }] }, null, 2);
}

async function scalarScript(): Promise<ServedFile> {
  try {
    return { type: JAVASCRIPT, content: await readFile(await ensureScalar()) };
  } catch (error) {
    const [reason] = (error as Error).message.split("\n");
    const content = `Scalar, which draws this page, could not be downloaded (${reason}). Connect to the network and reload the page.`;
    return { status: 503, type: "text/plain; charset=utf-8", content };
  }
}
