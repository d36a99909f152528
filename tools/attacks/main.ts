/**
 * Tries the attacks of docs/security/threats.md: `npm run test:attacks`. `-- --help` lists its options.
 * Exits with status 1 if an attack succeeds or has no test, and with status 2 if an option is wrong.
 */
import { Command, InvalidArgumentError } from "commander";
import { compareTimings } from "#tools/attacks/compare_timings.ts";
import { tryAttacks } from "#tools/attacks/threats.ts";
import { type RunRecord, saveRecord } from "#tools/machine/run_records.ts";
import { table } from "#tools/terminal/table.ts";

const LEAST_RUNS = 20;

function numberOfRuns(text: string): number {
  const runs = Number(text);
  if (!Number.isInteger(runs) || runs < LEAST_RUNS)
    throw new InvalidArgumentError(`It must be a whole number of at least ${LEAST_RUNS}.`);
  return runs;
}

function milliseconds(text: string): number {
  const ms = Number(text);
  if (!(ms >= 0 && ms <= 1000)) throw new InvalidArgumentError("It must be a number from 0 to 1000.");
  return ms;
}

const options = new Command("npm run test:attacks --")
  .description("Tries every attack of docs/security/threats.md against the service and prints the results.")
  .option(
    "--timing",
    "compare response times of calls that an attacker must not be able to distinguish instead",
    false,
  )
  .option("--runs <number>", "with --timing: how often each call is timed at least", numberOfRuns, 300)
  .option("--only <text>", "with --timing: compare only calls whose name contains the text", "")
  .option(
    "--planted <ms>",
    "with --timing: make the second call of each pair so much slower",
    milliseconds,
    0,
  )
  .option("--record", "save the results for docs/results.md", false)
  .allowExcessArguments(false)
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .parse()
  .opts<{ timing: boolean; runs: number; only: string; planted: number; record: boolean }>();

async function report(name: string, record: RunRecord): Promise<void> {
  for (const line of table(record.table?.rows ?? [], record.table?.head)) console.log(line);
  console.log(`\n${record.summary}`);
  if (options.record) await saveRecord(name, record);
}

if (options.timing) {
  const { runs, only, planted: plantedMs } = options;
  await report("attack_timing", await compareTimings({ runs, only, plantedMs }));
} else {
  const { failures, isDefended, ...record } = await tryAttacks();
  for (const failure of failures) console.error(failure);
  await report("attacks", record);
  process.exitCode = isDefended ? 0 : 1;
}
