import { writeFile } from "node:fs/promises";
import { join } from "node:path";

const { FAULTS_RUNS, FAULTS_DELIVERIES, FAULTS_SECONDS, FAULTS_ALL, FAULTS_ONLY, FAULTS_REPORTS } =
  process.env;

/** The options of `npm run test:faults`, which passes them to the suites as environment variables. */
export const suiteOptions = {
  /** How long a suite explores, in seconds; null: its own default. */
  seconds: FAULTS_SECONDS ? Number(FAULTS_SECONDS) : null,
  /** How many histories a suite of `tests/properties` runs; null: its own default. */
  runs: FAULTS_RUNS ? Number(FAULTS_RUNS) : null,
  /** How many deliveries the suite `deliveries` makes; null: its own default. */
  deliveries: FAULTS_DELIVERIES ? Number(FAULTS_DELIVERIES) : null,
  /** Whether `npm run test:faults` runs the suite, not `npm test`, which takes smaller samples. */
  isFaultsRun: FAULTS_REPORTS !== undefined,
  /** Whether to run a suite whole instead of a short sample. */
  isWhole: FAULTS_ALL === "1",
  /** Runs only the fault scenarios whose name contains this text. */
  only: FAULTS_ONLY ?? "",
};

/** @returns the end time (ms) of a suite that explores for `seconds` from now; null seconds: now */
export const endOf = (seconds: number | null) => Date.now() + (seconds ?? 0) * 1000;

/** The result of a suite. */
export interface SuiteReport {
  suite:
    | "model"
    | "addresses"
    | "ways_in"
    | "faults"
    | "chaos"
    | "trial_chaos"
    | "killed_database"
    | "deliveries"
    | "money";
  /** One sentence, which the command prints at its end. */
  summary: string;
  table?: { head: readonly string[]; rows: readonly (readonly string[])[] };
}

/** Saves a suite's result for the command that runs it; prints it if no command does. */
export async function reportSuite(report: SuiteReport): Promise<void> {
  if (!FAULTS_REPORTS) return console.log(report.summary);
  await writeFile(join(FAULTS_REPORTS, `${report.suite}.json`), JSON.stringify(report));
}
