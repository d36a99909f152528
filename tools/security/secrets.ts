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
  console.log("Building gitleaks, once; this takes a minute or two.");
  await mkdir(dirname(binary), { recursive: true });
  await exclusively(join(dirname(binary), "lock"), () =>
    buildGoProgram(`github.com/zricethezav/gitleaks/v8@${GITLEAKS_VERSION}`, binary),
  );
  return binary;
}

/** Scans every commit reachable from HEAD. @returns the findings, with the secrets redacted */
async function scan(gitleaks: string, repository: string): Promise<Finding[]> {
  const options = ["--no-banner", "--log-level=error", "--redact", "--exit-code=0", `--config=${CONFIG}`];
  const report = ["--report-format=json", "--report-path=-", "--log-opts=HEAD"];
  return JSON.parse(await run(gitleaks, ["git", ...options, ...report, repository])) as Finding[];
}

/**
 * Checks that the scanner finds a secret of each kind, in a repository made for that.
 * @returns the number of kinds
 * @throws Error if it misses one
 */
async function checkScanner(gitleaks: string): Promise<number> {
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
    if (missed.length > 0)
      throw new Error(
        `gitleaks misses planted secrets: ${missed.join(", ")}. Correct the rules in .gitleaks.toml.`,
      );
    return Object.keys(planted).length;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Scans every commit for secrets with gitleaks, at a pinned version that is built once from Go's module proxy. Without
 * Go it scans nothing and prints that.
 * @returns false if a commit holds a secret, or in CI if Go is missing
 */
export async function scanForSecrets(): Promise<boolean> {
  const gitleaks = await findGitleaks();
  if (gitleaks === null) {
    console.error(
      "Commits were NOT scanned for secrets: there is no `go` on PATH to build gitleaks. Install Go.",
    );
    return !process.env.CI;
  }
  const planted = await checkScanner(gitleaks);
  const findings = await scan(gitleaks, ROOT);
  const commits = (await run("git", ["-C", ROOT, "rev-list", "--count", "HEAD"])).trim();
  for (const { RuleID, File, StartLine, Commit } of findings)
    console.error(`${RuleID}: ${File}:${StartLine} in ${Commit.slice(0, 12)}`);
  console.log(
    `${findings.length} secrets in ${commits} commits (gitleaks ${GITLEAKS_VERSION} found all ${planted} planted secrets).`,
  );
  return findings.length === 0;
}
