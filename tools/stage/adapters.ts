import { readdir } from "node:fs/promises";
import type { AdapterHandler } from "#entry/adapter.ts";

const ADAPTERS = new URL("../../src/adapters/", import.meta.url);

/** A file of `src/adapters`. */
export interface LoadedAdapter {
  /** Its path from the root of the repository. */
  source: string;
  handler: AdapterHandler;
}

/** Imports every adapter, sorted by file name. */
export async function loadAdapters(): Promise<LoadedAdapter[]> {
  const files = (await readdir(ADAPTERS)).filter((file) => file.endsWith(".ts")).sort();
  return Promise.all(
    files.map(async (file) => {
      const { handler } = (await import(new URL(file, ADAPTERS).href)) as { handler: AdapterHandler };
      return { source: `src/adapters/${file}`, handler };
    }),
  );
}
