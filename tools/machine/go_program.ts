import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { run } from "#tools/machine/child_process.ts";

/**
 * Builds a program from Go's module proxy, unless it was built before. It appears under `binary` whole or not at all.
 * @param source its package and version, such as `example.org/tool/cmd/tool@v1.2.3`
 * @param binary where it goes; names the version, so that another one is built anew
 * @throws Error with what Go said
 */
export async function buildGoProgram(source: string, binary: string): Promise<void> {
  if (existsSync(binary)) return;
  await mkdir(dirname(binary), { recursive: true });
  const folder = await mkdtemp(`${binary}-`);
  try {
    await run("go", ["install", source], { env: { ...process.env, GOBIN: folder, GOFLAGS: "" } });
    const [path = ""] = source.split("@");
    const name = /^v\d+$/.test(basename(path)) ? basename(dirname(path)) : basename(path);
    await rename(join(folder, name), binary);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
