/**
 * Soak test: `npm run soak`. Puts a mixed load on the local stack for ten minutes while faults of the database, SES and
 * Stripe start and end. At the end it compares all responses with the stored data. `-- --help` lists the options. Exits with
 * status 1 if anything is lost, and with status 2 if an option is wrong. It reports times and errors without judging them.
 */
import { setTimeout as wait } from "node:timers/promises";
import { Command, InvalidArgumentError } from "commander";
import { currentMachine, describeMachine } from "#tools/bench/machine.ts";
import { audit, settle } from "#tools/bench/soak/audit.ts";
import { Outages } from "#tools/bench/soak/faults.ts";
import { Ledger } from "#tools/bench/soak/ledger.ts";
import { measureCapacity, startAtRate } from "#tools/bench/soak/load.ts";
import { auditTable, printAudit, printCalls, printOutages } from "#tools/bench/soak/report.ts";
import { startSoakStack } from "#tools/bench/soak/stack.ts";
import { Users } from "#tools/bench/soak/users.ts";
import { saveRecord } from "#tools/machine/run_records.ts";

const CAPACITY_SECONDS = 15;
const CAPACITY_IN_FLIGHT = 16;
/** Load as a share of the measured capacity. */
const LOAD_SHARE = 0.7;
const READ_MAIL_MS = 50;

function minutesIn(text: string): number {
  const minutes = Number(text);
  if (!(minutes > 0 && minutes <= 240)) throw new InvalidArgumentError("It must be a number up to 240.");
  return minutes;
}

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError("It must be a whole number.");
  return Number(text);
}

const { minutes, seed, record } = new Command("npm run soak --")
  .description("Puts a mixed load with faults on the local stack and checks that nothing is lost.")
  .option("--minutes <number>", "how long the load lasts", minutesIn, 10)
  .option("--seed <number>", "decides the operations and the faults", wholeNumber, 1)
  .option("--record", "save the result for docs/results.md", false)
  .allowExcessArguments(false)
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .parse()
  .opts<{ minutes: number; seed: number; record: boolean }>();

const stack = await startSoakStack();
const machine = describeMachine(currentMachine(stack.found));
const ledger = new Ledger();
const users = new Users(stack, ledger, seed);
const reading = setInterval(() => users.readMail(), READ_MAIL_MS);
try {
  console.log(`Soak test: ${minutes} minutes, seed ${seed}, on ${machine}`);
  const capacity = await measureCapacity(CAPACITY_SECONDS, CAPACITY_IN_FLIGHT, () => users.act());
  const perSecond = LOAD_SHARE * capacity;
  console.log(
    `Capacity: ${capacity.toFixed(0)} operations per second. Load: ${perSecond.toFixed(0)} per second.`,
  );
  ledger.calls.length = 0;
  const endMs = performance.now() + minutes * 60_000;
  const outages = new Outages();
  const [{ started, skipped }] = await Promise.all([
    startAtRate(perSecond, endMs, () => users.act()),
    outages.run(stack, endMs, seed),
  ]);
  await settle(stack);
  // Mails of calls that timed out may still arrive.
  await wait(1_000);
  users.readMail();
  printOutages(outages.list);
  printCalls(ledger.calls, outages, { started, skipped });
  const counts = await audit(stack, ledger);
  printAudit(counts);
  if (counts.some(({ lost }) => lost > 0)) process.exitCode = 1;
  if (record) {
    const summary =
      `${minutes} minutes at ${perSecond.toFixed(0)} operations per second (70 % of the capacity), seed ${seed}: ` +
      `${started} operations started, ${outages.list.length} faults.`;
    await saveRecord("soak", { summary, table: auditTable(counts) }, machine);
  }
} finally {
  clearInterval(reading);
  await stack.close();
}
