import { readdir } from "node:fs/promises";
import { sep } from "node:path";
import { servedVersions } from "#core/versions.ts";
import type { RpcHandler } from "#entry/rpc.ts";

const METHODS = new URL("./methods/", import.meta.url);

/** A method and the paths it answers. */
export interface MethodRoutes {
  handler: RpcHandler;
  paths: string[];
}

/** Every method file there is, with the path of each date that it serves. */
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
 * The routes of method files, each with its handler.
 * @throws Error if a file's path is not what it declares, or a route has two files
 */
export function toRoutes(
  modules: readonly (readonly [file: string, handler?: RpcHandler])[],
): MethodRoutes[] {
  const handlers = modules.map(([file, handler]) => requireOwnName(file, handler));
  const claimed = new Set<string>();
  return handlers.map((handler) => {
    const { name, version } = handler.declaration;
    const dates = handlers.flatMap(({ declaration }) =>
      declaration.name === name ? [declaration.version] : [],
    );
    const paths = servedVersions(version, dates).map((date) => `/1/${date}/${name}`);
    for (const path of paths) {
      if (claimed.has(path)) throw new Error(`${path} is claimed twice.`);
      claimed.add(path);
    }
    return { handler, paths };
  });
}

/** A deployment makes functions of paths, and this routes by declarations: they must be the same. */
function requireOwnName(file: string, handler: RpcHandler | undefined): RpcHandler {
  if (!handler) throw new Error(`src/methods/${file} exports no handler.`);
  const { name, version } = handler.declaration;
  if (file !== `${version}/${name}.ts`)
    throw new Error(`src/methods/${file} declares ${version}/${name}: name the file so.`);
  return handler;
}
