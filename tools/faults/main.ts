/**
 * Runs the randomized suites: `npm run test:faults`. `-- --help` lists its options.
 * Exits with status 1 if a suite fails, and with status 2 if an option is wrong.
 */
import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command, InvalidArgumentError, Option } from "commander";
import { type RunRecord, saveRecord } from "#tools/machine/run_records.ts";
import { vitestArguments } from "#tools/machine/vitest.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** The arguments of vitest for each suite: files, and a pattern of test names. */
const SUITES = {
  model: ["tests/model"],
  faults: ["tests/faults"],
  chaos: ["tests/callbacks/chaos"],
  money: ["tests/properties"],
  deliveries: ["tests/deliveries"],
  crashes: [
    "tests/core",
    "tests/tools/local/database/engine",
    "--testNamePattern",
    "at any write|in \\d+ rounds",
  ],
  pages: ["tests/core/administration/list_users.test.ts", "--testNamePattern", "as for pages of 120"],
};
type Suite = keyof typeof SUITES;
const SHORT_RUN_SEED = 1;

interface Options {
  suite?: Suite;
  seed?: number;
  seconds?: number;
  runs?: number;
  deliveries?: number;
  only?: string;
  all: boolean;
  record: boolean;
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value))
    throw new InvalidArgumentError("It is not a whole number.");
  return value;
}

const program = new Command("npm run test:faults --")
  .description(
    "Runs the model-based suite, the fault injection suite, the chaos suite, the money suite (random billing histories) and the suite\n" +
      "'deliveries' (webhooks, receivers that fail, and a process that is killed). Without options it runs a short sample with a fixed\n" +
      "seed, as CI does. The suites 'crashes' (crashes at writes, concurrent calls) and 'pages' (pages of 100,000 users) run only with\n" +
      "--suite. npm test runs a part of their cases.",
  )
  .addOption(new Option("--suite <name>", "run one suite only").choices(Object.keys(SUITES)))
  .option("--seed <number>", "repeat the run that printed this seed", wholeNumber)
  .option("--seconds <number>", "explore for this long in each suite", wholeNumber)
  .option(
    "--runs <number>",
    "number of random billing histories in the money suite (default: 200)",
    wholeNumber,
  )
  .option(
    "--deliveries <number>",
    "number of deliveries in the suite 'deliveries' (default: 1,000)",
    wholeNumber,
  )
  .option("--only <text>", "fault only the calls whose name contains the text, such as authenticate_user")
  .option(
    "--all",
    "inject every fault at every command of every call; also run the other suites longer",
    false,
  )
  .option("--record", "save the results for docs/results.md", false)
  .allowExcessArguments(false)
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .parse();
const options = program.opts<Options>();

/** @returns the environment by which the suites get their options */
function suiteEnvironment(reports: string): NodeJS.ProcessEnv {
  const { seed, seconds, runs, deliveries, only, all } = options;
  const isShort = !all && seconds === undefined;
  const given = seed ?? process.env.SEED ?? (isShort ? SHORT_RUN_SEED : undefined);
  return {
    ...process.env,
    FAULTS_REPORTS: reports,
    ...(given !== undefined && { SEED: String(given) }),
    ...(seconds !== undefined && { FAULTS_SECONDS: String(seconds) }),
    ...(runs !== undefined && { FAULTS_RUNS: String(runs) }),
    ...(deliveries !== undefined && { FAULTS_DELIVERIES: String(deliveries) }),
    ...(only !== undefined && { FAULTS_ONLY: only }),
    ...(all && { FAULTS_ALL: "1" }),
  };
}

/** @returns vitest's exit status */
function runSuites(reports: string): Promise<number> {
  const { crashes: _crashes, pages: _pages, ...sampled } = SUITES;
  const chosen = options.suite ? SUITES[options.suite] : Object.values(sampled).flat();
  const child = spawn(process.execPath, vitestArguments("run", ...chosen), {
    cwd: ROOT,
    env: suiteEnvironment(reports),
    stdio: "inherit",
  });
  return new Promise((resolve, reject) =>
    child.once("error", reject).once("close", (status) => resolve(status ?? 1)),
  );
}

const reports = await mkdtemp(join(tmpdir(), "nest-faults-"));
try {
  process.exitCode = await runSuites(reports);
  for (const file of (await readdir(reports)).sort()) {
    const record = JSON.parse(await readFile(join(reports, file), "utf8")) as RunRecord & { suite: string };
    console.log(`${record.suite}: ${record.summary}`);
    if (options.record) await saveRecord(record.suite, record);
  }
} finally {
  await rm(reports, { recursive: true, force: true });
}
