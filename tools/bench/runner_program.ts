/**
 * A process that opens one target and makes the calls that it receives. The measured code shares its process with neither
 * the database proxy nor the doubles.
 */
import { Session } from "node:inspector/promises";
import type { CpuProfile } from "#tools/bench/cpu_profile.ts";
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

async function run({ calls, inFlight, withAnswers, withHeap, withProfile }: Order): Promise<Report> {
  const statuses: Record<number, number> = {};
  const answers: Answer[] = [];
  const stopProfile = withProfile ? await startProfile() : null;
  const before = process.cpuUsage();
  const timing = await runConcurrently(calls.length, inFlight, async (index) => {
    const answer = await target.invoke(calls[index]);
    statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
    if (withAnswers) answers[index] = answer;
  });
  const { user, system } = process.cpuUsage(before);
  const cpuMsPerCall = (user + system) / 1000 / calls.length;
  const profile = stopProfile ? await stopProfile() : null;
  const heapBytes = withHeap ? heapAfterCollection() : null;
  return { ...timing, cpuMsPerCall, statuses, answers, heapBytes, profile };
}

const SAMPLE_MICROSECONDS = 100;

/** @returns stops the profile */
async function startProfile(): Promise<() => Promise<CpuProfile>> {
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.setSamplingInterval", { interval: SAMPLE_MICROSECONDS });
  await session.post("Profiler.start");
  return async () => {
    const { profile } = await session.post("Profiler.stop");
    session.disconnect();
    return profile;
  };
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
