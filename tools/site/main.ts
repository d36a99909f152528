/**
 * `node tools/site/main.ts [build | dev | preview]`: builds the documentation site with VitePress into
 * `tools/site/vitepress/dist`, or serves it. A link to a page that does not exist fails the build.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { installFolder } from "#tools/machine/package_folder.ts";

const FOLDER = new URL("vitepress/", import.meta.url);

installFolder(FOLDER, "vitepress");
const program = fileURLToPath(new URL("node_modules/vitepress/bin/vitepress.js", FOLDER));
const [command = "build", ...options] = process.argv.slice(2);
const { status } = spawnSync(process.execPath, [program, command, fileURLToPath(FOLDER), ...options], {
  cwd: fileURLToPath(FOLDER),
  stdio: "inherit",
});
if (command === "build" && status === 0)
  console.log("The site is in tools/site/vitepress/dist. Look at it: npm run docs:site -- preview");
process.exitCode = status ?? 1;
