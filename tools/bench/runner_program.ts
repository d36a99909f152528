/**
 * A process that opens one target and makes the calls that it receives. The measured code shares its process with neither
 * the database proxy nor the doubles.
 */
import { runConcurrently } from "#tools/bench/run_concurrently.ts";
import {
  type Answer,
  type OpenTarget,
  type Order,
  type Report,
  TARGETS,
  type TargetName,
} from "#tools/bench/target.ts";

const [name, settings] = process.argv.slice(2);
const { openTarget } = (await import(TARGETS[name as TargetName])) as { openTarget: OpenTarget<unknown> };
const target = await openTarget(JSON.parse(settings ?? "{}"));

async function run({ calls, inFlight, withAnswers, withHeap }: Order): Promise<Report> {
  const statuses: Record<number, number> = {};
  const answers: Answer[] = [];
  const before = process.cpuUsage();
  const timing = await runConcurrently(calls.length, inFlight, async (index) => {
    const answer = await target.invoke(calls[index]);
    statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
    if (withAnswers) answers[index] = answer;
  });
  const { user, system } = process.cpuUsage(before);
  const cpuMsPerCall = (user + system) / 1000 / calls.length;
  return { ...timing, cpuMsPerCall, statuses, answers, heapBytes: withHeap ? heapAfterCollection() : null };
}

function heapAfterCollection(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

process.on("message", async (order: Order | "end") => {
  if (order === "end") {
    await target.close();
    process.disconnect();
    return;
  }
  process.send?.(await run(order).catch((error: Error) => ({ failure: error.stack ?? String(error) })));
});
// Exits with the process that started it.
process.once("disconnect", () => process.exit());
process.send?.("ready");
