import { realpathSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { onPath, run } from "#tools/machine/child_process.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const MODULES = join(ROOT, "node_modules");
const require = createRequire(import.meta.url);
const COMPILER = join(dirname(require.resolve("typescript/package.json")), "bin", "tsc");

/** How TypeScript finds packages: as Node does, and as bundlers do. */
export const RESOLUTIONS = {
  nodenext: ["--module", "nodenext"],
  bundler: ["--module", "esnext", "--moduleResolution", "bundler"],
} as const;

/** A project in a temporary folder that has nothing but what a test installs. */
export interface EmptyProject extends AsyncDisposable {
  path: string;
  /** The names of the packages in `node_modules`. */
  packages(): Promise<string[]>;
  /** Writes a file and runs it with Node. @returns what it printed */
  runFile(name: string, content: string, node?: string): Promise<string>;
  /** Writes files and compiles them strictly, together with the declarations that they import. @throws Error with the compiler's errors */
  compile(
    files: Readonly<Record<string, string>>,
    resolution: keyof typeof RESOLUTIONS,
    more?: readonly string[],
  ): Promise<void>;
  /** Makes packages of this repository available that npm did not install. */
  link(...names: string[]): Promise<void>;
}

/**
 * Packs a package of this repository with `npm pack`.
 * @param folder from the root of the repository
 * @param target where the archive is written
 * @returns the path of the archive
 */
export async function packed(folder: string, target: string): Promise<string> {
  const args = [npmProgram(), "pack", "--pack-destination", target];
  const printed = await run(process.execPath, args, { cwd: join(ROOT, folder) });
  return join(target, printed.trim().split("\n").at(-1) ?? "");
}

/**
 * Creates a project and installs an archive with `npm install`, without a network.
 * @param dependencies packages that npm can't download without a network: it links those of this repository
 * @param node the program that runs npm
 */
export async function emptyProject(
  archive: string,
  dependencies: readonly string[] = [],
  node: string = process.execPath,
): Promise<EmptyProject> {
  const path = await mkdtemp(join(tmpdir(), "nest-project-"));
  await writeFile(join(path, "package.json"), '{"private":true,"type":"module"}');
  const links = dependencies.map((name) => join(MODULES, name));
  const install = [npmProgram(), "install", "--offline", "--no-audit", archive, ...links];
  await run(node, install, { cwd: path, timeoutMs: 120_000 });

  const write = async (files: Readonly<Record<string, string>>) => {
    for (const [name, content] of Object.entries(files)) await writeFile(join(path, name), content);
  };
  return {
    path,
    async packages() {
      const { packages } = JSON.parse(await readFile(join(path, "package-lock.json"), "utf8"));
      const places = Object.keys(packages).filter((place) => place.startsWith("node_modules/"));
      return places.map((place) => place.replace("node_modules/", ""));
    },
    async runFile(name, content, program = node) {
      await write({ [name]: content });
      return run(program, [join(path, name)], { cwd: path, timeoutMs: 60_000 });
    },
    async compile(files, resolution, more = []) {
      await write(files);
      const strict = ["--noEmit", "--strict", "--target", "es2022", ...RESOLUTIONS[resolution]];
      await run(process.execPath, [COMPILER, ...strict, ...more, ...Object.keys(files)], {
        cwd: path,
        errorLength: 3_000,
      });
    },
    async link(...names) {
      for (const name of names) {
        const target = join(path, "node_modules", name);
        await mkdir(dirname(target), { recursive: true });
        await symlink(join(MODULES, name), target);
      }
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

/** The file of npm that Node runs: that of the running npm, else that on PATH. */
function npmProgram(): string {
  const program = process.env.npm_execpath ?? onPath("npm");
  if (!program) throw new Error("npm is not on PATH.");
  return realpathSync(program);
}
