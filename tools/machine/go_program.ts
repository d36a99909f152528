import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { run } from "#tools/machine/child_process.ts";

/**
 * Builds a program with `go install`, unless `binary` exists. A build that fails leaves no file at `binary`.
 * @param source the package and version, such as `example.org/tool/cmd/tool@v1.2.3`
 * @param binary the path of the result; it must contain the version, so that another version gets its own build
 * @throws Error with Go's output
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
