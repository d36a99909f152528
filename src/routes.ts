import { readdir } from "node:fs/promises";
import { sep } from "node:path";
import { servedVersions } from "#core/versions.ts";
import type { RpcHandler } from "#entry/rpc.ts";

const METHODS = new URL("./methods/", import.meta.url);

/** A method with the file that declares it and the paths it serves. */
export interface MethodRoutes {
  /** Path of the method's file from the root of the repository. */
  source: string;
  /** The folder between version and file, which groups methods in the reference; null in the flat versions. */
  group: string | null;
  handler: RpcHandler;
  paths: string[];
}

/** Imports every method file and lists its paths, one for each version that serves it. */
export async function loadMethods(): Promise<MethodRoutes[]> {
  const files = (await readdir(METHODS, { recursive: true }))
    .map((file) => file.replaceAll(sep, "/"))
    .filter((file) => file.endsWith(".ts"))
    .sort();
  return toRoutes(
    await Promise.all(
      files.map(async (file) => [file, (await import(new URL(file, METHODS).href)).handler] as const),
    ),
  );
}

/**
 * Derives the routes of method files.
 * @param modules each file's path below `src/methods`, and the handler it exports
 * @throws Error if a file's path differs from what the file declares, or two files claim one path
 */
export function toRoutes(
  modules: readonly (readonly [file: string, handler?: RpcHandler])[],
): MethodRoutes[] {
  const methods = modules.map(([file, handler]) => requireMatchingPath(file, handler));
  const claimed = new Set<string>();
  return methods.map((method) => {
    const { name, version } = method.handler.declaration;
    const dates = methods.flatMap(({ handler: { declaration } }) =>
      declaration.name === name ? [declaration.version] : [],
    );
    const paths = servedVersions(version, dates).map((date) => `/1/${date}/${name}`);
    for (const path of paths) {
      if (claimed.has(path)) throw new Error(`${path} is claimed by two method files.`);
      claimed.add(path);
    }
    return { ...method, paths };
  });
}

/** Deployment derives functions from file paths and the local gateway from declarations, so the two must agree. */
function requireMatchingPath(file: string, handler: RpcHandler | undefined): Omit<MethodRoutes, "paths"> {
  const source = `src/methods/${file}`;
  if (!handler) throw new Error(`${source} exports no handler.`);
  const { name, version } = handler.declaration;
  const [folder, group, ...rest] = file.split("/").slice(0, -1);
  if (folder !== version || rest.length > 0 || !file.endsWith(`/${name}.ts`))
    throw new Error(
      `${source} declares ${name} of ${version}. Move it to src/methods/${version}/${name}.ts, or to a group's folder in ${version}.`,
    );
  return { source, group: group ?? null, handler };
}
