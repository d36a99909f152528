/**
 * Tries every attack of docs/security/threats.md against the running service and prints what came of each:
 * `npm run attacks`. Ends with 1 if one got through, or was not tried.
 */
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Reference, readTable, references } from "#tools/security/tables.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const WIDTH = 100;

/** A test as vitest's JSON report tells of it. */
interface Tried {
  file: string;
  ancestorTitles: string[];
  title: string;
  status: "passed" | "failed" | "pending" | "skipped" | "todo";
  failureMessages: string[];
}

interface Attack {
  name: string;
  defence: string;
  tests: Reference[];
}

async function readAttacks(): Promise<Attack[]> {
  const page = await readFile(join(ROOT, "docs/security/threats.md"), "utf8");
  return readTable(page, "Attack", "What Nest does", "Tests").map((row) => ({
    name: row.Attack ?? "",
    defence: row["What Nest does"] ?? "",
    tests: references(row.Tests ?? ""),
  }));
}

/** Runs test files and answers every test of them. */
async function runTests(files: readonly string[]): Promise<Tried[]> {
  const folder = await mkdtemp(join(tmpdir(), "nest-attacks-"));
  const report = join(folder, "report.json");
  try {
    const vitest = join(createRequire(import.meta.url).resolve("vitest/package.json"), "../vitest.mjs");
    const args = [vitest, "run", ...files, "--reporter=json", `--outputFile=${report}`];
    const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ["ignore", "ignore", "inherit"] });
    await new Promise((resolve, reject) => child.once("error", reject).once("close", resolve));
    const { testResults } = JSON.parse(await readFile(report, "utf8")) as {
      testResults: { name: string; assertionResults: Omit<Tried, "file">[] }[];
    };
    return testResults.flatMap(({ name, assertionResults }) =>
      assertionResults.map((result) => ({ ...result, file: name.slice(ROOT.length) })),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Titles of tables of tests have placeholders in the source. */
function fits(title: string, written: string): boolean {
  const pattern = title.split(/%[a-zA-Z]/).map((part) => part.replace(/[.*+?^$()|[\]{}\\]/g, "\\$&"));
  return new RegExp(`^${pattern.join(".*")}$`, "s").test(written);
}

const ofAttack = ({ tests }: Attack, tried: readonly Tried[]) =>
  tried.filter(({ file, title, ancestorTitles }) =>
    tests.some(
      (named) =>
        named.file === file &&
        (named.title === null || [title, ...ancestorTitles].some((text) => fits(named.title ?? "", text))),
    ),
  );

const indented = (text: string) =>
  text.replace(new RegExp(`(.{1,${WIDTH}})(?: |$)`, "g"), "      $1\n").trimEnd();

const attacks = await readAttacks();
const files = [...new Set(attacks.flatMap(({ tests }) => tests.map(({ file }) => file)))];
console.log(
  `Trying ${attacks.length} attacks with the tests of ${files.length} files, which takes a few minutes.\n`,
);
const tried = await runTests(files);
let open = 0;
for (const attack of attacks) {
  const own = ofAttack(attack, tried);
  const broken = own.filter(({ status }) => status === "failed");
  const held = own.filter(({ status }) => status === "passed");
  const isHeld = broken.length === 0 && held.length > 0;
  if (!isHeld) open++;
  const count = `${held.length} of ${own.length}`.padStart(10);
  console.log(`${isHeld ? "  held" : "FAILED"}${count}  ${attack.name}\n${indented(attack.defence)}`);
  for (const { file, title, failureMessages } of broken)
    console.log(`        ${file}: ${title}\n          ${failureMessages[0]?.split("\n")[0] ?? ""}`);
}
const all = tried.filter(({ status }) => status === "passed").length;
console.log(`\n${attacks.length - open} of ${attacks.length} attacks held; ${all} tests in all.`);
process.exitCode = open === 0 ? 0 : 1;
