/**
 * Looks for secrets in every commit of the repository: `npm run secrets`. The tool is gitleaks, at a pinned version,
 * built once from Go's module proxy. Ends with 1 if something was found, or if the scanner fails to find what is planted
 * for it. Without Go nothing is scanned, and it says so; in CI that is a failure.
 */
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheDirectory } from "#tools/machine/cache_directory.ts";
import { onPath, run } from "#tools/machine/child_process.ts";
import { buildGoProgram } from "#tools/machine/go_program.ts";
import { exclusively } from "#tools/machine/lock.ts";
import { plantedSecrets } from "#tools/security/planted_secrets.ts";

const GITLEAKS_VERSION = "v8.28.0";
const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const CONFIG = join(ROOT, ".gitleaks.toml");

interface Finding {
  RuleID: string;
  File: string;
  StartLine: number;
  Commit: string;
}

async function findGitleaks(): Promise<string | null> {
  const binary = join(cacheDirectory(), "gitleaks", `gitleaks-${GITLEAKS_VERSION}`);
  if (existsSync(binary)) return binary;
  if (onPath("go") === null) return null;
  console.log("Building gitleaks (once, a minute or two)");
  await mkdir(dirname(binary), { recursive: true });
  await exclusively(join(dirname(binary), "lock"), () =>
    buildGoProgram(`github.com/zricethezav/gitleaks/v8@${GITLEAKS_VERSION}`, binary),
  );
  return binary;
}

/** Everything reachable from HEAD. @returns what was found, without a word of the secrets themselves */
async function scan(gitleaks: string, repository: string): Promise<Finding[]> {
  const options = ["--no-banner", "--log-level=error", "--redact", "--exit-code=0", `--config=${CONFIG}`];
  const report = ["--report-format=json", "--report-path=-", "--log-opts=HEAD"];
  return JSON.parse(await run(gitleaks, ["git", ...options, ...report, repository])) as Finding[];
}

/** A scanner that finds nothing may be blind: this one must find a secret of each kind in a commit made for it. */
async function requireSight(gitleaks: string): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "nest-secrets-"));
  try {
    const planted = plantedSecrets();
    for (const [name, line] of Object.entries(planted))
      await writeFile(join(folder, `${name}.txt`), `${line}\n`);
    const git = (...args: string[]) =>
      run("git", ["-C", folder, "-c", "user.name=x", "-c", "user.email=x@example.com", ...args]);
    await git("init", "--quiet");
    await git("add", ".");
    await git("commit", "--quiet", "--no-gpg-sign", "--message=planted");
    const found = new Set((await scan(gitleaks, folder)).map(({ File }) => File));
    const missed = Object.keys(planted).filter((name) => !found.has(`${name}.txt`));
    if (missed.length > 0) throw new Error(`The scanner does not see: ${missed.join(", ")}.`);
    return Object.keys(planted).length;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const gitleaks = await findGitleaks();
if (gitleaks === null) {
  console.error("NOT scanned for secrets: gitleaks is built with Go, and there is no `go` on PATH.");
  process.exitCode = process.env.CI ? 1 : 0;
} else {
  const planted = await requireSight(gitleaks);
  const findings = await scan(gitleaks, ROOT);
  const commits = (await run("git", ["-C", ROOT, "rev-list", "--count", "HEAD"])).trim();
  for (const { RuleID, File, StartLine, Commit } of findings)
    console.error(`${RuleID}: ${File}:${StartLine} in ${Commit.slice(0, 12)}`);
  console.log(
    `${findings.length} secrets in ${commits} commits (gitleaks ${GITLEAKS_VERSION} found all ${planted} planted ones).`,
  );
  process.exitCode = findings.length > 0 ? 1 : 0;
}
