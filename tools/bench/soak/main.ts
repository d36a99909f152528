/**
 * Keeps the local stack under a mixed load for ten minutes while its parts go wrong and come back: `npm run soak`, or
 * `npm run soak -- --minutes 2 --seed 7`. At the end everything that somebody was told is counted against what is there.
 * It stops by itself, and exits with 1 if anything was lost. Times and errors are told, not judged.
 */
import { setTimeout as wait } from "node:timers/promises";
import { parseArgs } from "node:util";
import { currentMachine, describeMachine } from "#tools/bench/machine.ts";
import { audit, settle } from "#tools/bench/soak/audit.ts";
import { Outages } from "#tools/bench/soak/faults.ts";
import { Ledger } from "#tools/bench/soak/ledger.ts";
import { keepUp, measureCapacity } from "#tools/bench/soak/load.ts";
import { printAudit, printCalls, printOutages } from "#tools/bench/soak/report.ts";
import { startSoakStack } from "#tools/bench/soak/stack.ts";
import { Users } from "#tools/bench/soak/users.ts";

const CAPACITY_SECONDS = 15;
const CAPACITY_IN_FLIGHT = 16;
/** Of what was measured. */
const SHARE = 0.7;
const READ_MAIL_MS = 50;

const { values } = parseArgs({
  options: { minutes: { type: "string", default: "10" }, seed: { type: "string", default: "1" } },
});
const [minutes, seed] = [Number(values.minutes), Number(values.seed)];
if (!(minutes > 0 && minutes <= 240) || !Number.isInteger(seed)) {
  console.error("--minutes takes a number up to 240, --seed a whole one.");
  process.exit(2);
}

const stack = await startSoakStack();
const ledger = new Ledger();
const users = new Users(stack, ledger, seed);
const reading = setInterval(() => users.readMail(), READ_MAIL_MS);
try {
  console.log(
    `Soaking for ${minutes} minutes, seed ${seed}, on ${describeMachine(currentMachine(stack.found))}`,
  );
  const capacity = await measureCapacity(CAPACITY_SECONDS, CAPACITY_IN_FLIGHT, () => users.act());
  const perSecond = SHARE * capacity;
  console.log(`Capacity: ${capacity.toFixed(0)} a second. Load: ${perSecond.toFixed(0)} a second.`);
  ledger.calls.length = 0;
  const endMs = performance.now() + minutes * 60_000;
  const outages = new Outages();
  const [{ begun, leftOut }] = await Promise.all([
    keepUp(perSecond, endMs, () => users.act()),
    outages.run(stack, endMs, seed),
  ]);
  await settle(stack);
  // Mails of calls that nobody waits for any more.
  await wait(1_000);
  users.readMail();
  printOutages(outages.list);
  printCalls(ledger.calls, outages, { begun, leftOut });
  const counts = await audit(stack, ledger);
  printAudit(counts);
  if (counts.some(({ lost }) => lost > 0)) process.exitCode = 1;
} finally {
  clearInterval(reading);
  await stack.close();
}
