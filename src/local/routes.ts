import { readdir } from "node:fs/promises";
import { servedVersions } from "#core/versions.ts";
import type { RpcHandler } from "#entry/rpc.ts";

const METHODS = new URL("../methods/", import.meta.url);

/** A method and the paths it answers. */
export interface MethodRoutes {
  handler: RpcHandler;
  paths: string[];
}

/** Every method file there is, with the path of each date that it serves. */
export async function loadMethods(): Promise<MethodRoutes[]> {
  const files = (await readdir(METHODS, { recursive: true })).filter((file) => file.endsWith(".ts")).sort();
  const modules = await Promise.all(files.map((file) => import(new URL(file, METHODS).href)));
  const handlers = modules.map(({ handler }: { handler: RpcHandler }) => handler);
  return handlers.map((handler) => {
    const { name, version } = handler.declaration;
    const dates = handlers.flatMap(({ declaration }) =>
      declaration.name === name ? [declaration.version] : [],
    );
    return { handler, paths: servedVersions(version, dates).map((date) => `/1/${date}/${name}`) };
  });
}
