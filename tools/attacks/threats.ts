import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { RunRecord } from "#tools/machine/run_records.ts";
import { vitestArguments } from "#tools/machine/vitest.ts";
import { type Reference, readTable, references } from "#tools/security/tables.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** A test's result in vitest's JSON report. */
interface TestResult {
  file: string;
  ancestorTitles: string[];
  title: string;
  status: "passed" | "failed" | "pending" | "skipped" | "todo";
  failureMessages: string[];
}

interface Attack {
  name: string;
  tests: Reference[];
}

/** The result of all attacks. */
export interface AttackRun extends RunRecord {
  table: NonNullable<RunRecord["table"]>;
  /** Failed tests, with file, title and message. */
  failures: string[];
  /** Whether every attack was tried and no attack succeeded. */
  isDefended: boolean;
}

/**
 * Runs the tests that docs/security/threats.md names for each attack.
 * @throws Error if the page has no table of attacks
 */
export async function tryAttacks(): Promise<AttackRun> {
  const attacks = await readAttacks();
  const files = [...new Set(attacks.flatMap(({ tests }) => tests.map(({ file }) => file)))];
  console.log(`Running ${files.length} test files for ${attacks.length} attacks. This takes a few minutes.`);
  const startedAt = Date.now();
  const results = await runTests(files);
  const judged = attacks.map((attack) => judge(attack, results));
  const defended = judged.filter(({ isDefended }) => isDefended).length;
  const passed = results.filter(({ status }) => status === "passed").length;
  return {
    summary:
      `${defended} of ${attacks.length} attacks failed against Nest, as they must; ${passed} tests passed in ` +
      `${Math.round((Date.now() - startedAt) / 1000)} s.`,
    table: { head: ["Attack", "Result", "Passed tests"], rows: judged.map(({ row }) => row) },
    failures: judged.flatMap(({ failures }) => failures),
    isDefended: defended === attacks.length,
  };
}

async function readAttacks(): Promise<Attack[]> {
  const page = await readFile(join(ROOT, "docs/security/threats.md"), "utf8");
  return readTable(page, "Attack", "What Nest does", "What remains", "Tests").map((row) => ({
    name: row.Attack ?? "",
    tests: references(row.Tests ?? ""),
  }));
}

function judge(attack: Attack, results: readonly TestResult[]) {
  const own = testsOf(attack, results);
  const failed = own.filter(({ status }) => status === "failed");
  const passed = own.filter(({ status }) => status === "passed").length;
  const isDefended = failed.length === 0 && passed > 0;
  return {
    isDefended,
    row: [
      attack.name,
      isDefended ? "defended" : passed === 0 ? "NOT TESTED" : "SUCCEEDED",
      `${passed} of ${own.length}`,
    ],
    failures: failed.map(
      ({ file, title, failureMessages }) =>
        `${file}: ${title}\n  ${failureMessages[0]?.split("\n")[0] ?? ""}`,
    ),
  };
}

async function runTests(files: readonly string[]): Promise<TestResult[]> {
  const folder = await mkdtemp(join(tmpdir(), "nest-attacks-"));
  const report = join(folder, "report.json");
  try {
    const args = vitestArguments("run", ...files, "--reporter=json", `--outputFile=${report}`);
    const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ["ignore", "ignore", "inherit"] });
    await new Promise((resolve, reject) => child.once("error", reject).once("close", resolve));
    const { testResults } = JSON.parse(await readFile(report, "utf8")) as {
      testResults: { name: string; assertionResults: Omit<TestResult, "file">[] }[];
    };
    return testResults.flatMap(({ name, assertionResults }) =>
      assertionResults.map((result) => ({ ...result, file: name.slice(ROOT.length) })),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Whether a title in the report is this title in the source, in which `%s` and other placeholders match any text. */
function matches(title: string, ran: string): boolean {
  const pattern = title.split(/%[a-zA-Z]/).map((part) => part.replace(/[.*+?^$()|[\]{}\\]/g, "\\$&"));
  return new RegExp(`^${pattern.join(".*")}$`, "s").test(ran);
}

const testsOf = ({ tests }: Attack, results: readonly TestResult[]) =>
  results.filter(({ file, title, ancestorTitles }) =>
    tests.some(
      (named) =>
        named.file === file &&
        (named.title === null || [title, ...ancestorTitles].some((text) => matches(named.title ?? "", text))),
    ),
  );
