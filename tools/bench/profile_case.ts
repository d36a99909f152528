import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CASES, type Case } from "#tools/bench/cases.ts";
import { type CpuProfile, groupOf, selfTimes } from "#tools/bench/cpu_profile.ts";
import type { BenchEnvironment } from "#tools/bench/environment.ts";
import { fillDatabase, prepareAll } from "#tools/bench/fill_database.ts";
import { Runner } from "#tools/bench/runner.ts";
import { takeSnapshot } from "#tools/bench/snapshot.ts";
import { round } from "#tools/bench/statistics.ts";
import type { FigureTable } from "#tools/bench/tables.ts";

const IN_FLIGHT = [1, 64];
const CALLS = 512;
/** Turns before the profile, in which V8 optimizes the code. */
const WARMING = 2;
const LISTED = 14;

type Profiles = Map<number, { profile: CpuProfile; callMs: number }>;

/** Profiles the CPU of the handler of one case with 1 and with 64 concurrent calls, and writes the profiles to a folder. */
export async function profileCase(bench: BenchEnvironment, name: string): Promise<FigureTable[]> {
  const measured = CASES.find((one) => one.name === name);
  if (!measured)
    throw new Error(`No case is named ${name}. The cases are: ${CASES.map((one) => one.name).join("; ")}.`);
  const profiles = await collect(bench, measured);
  const folder = await mkdtemp(join(tmpdir(), "nest-profile-"));
  for (const [lanes, { profile }] of profiles)
    await writeFile(join(folder, `${lanes}_concurrent.cpuprofile`), JSON.stringify(profile));
  return [
    {
      title: `Self time of ${name}`,
      explanation: `Microseconds of the main thread for one call; idle: it waited for the database. Profiles: ${folder}`,
      rows: tableOf(profiles, groupOf),
    },
    {
      title: "By function",
      explanation: "Microseconds of the main thread for one call.",
      rows: tableOf(profiles, (frame) => `${frame.functionName || "(anonymous)"}, ${groupOf(frame)}`),
    },
  ];
}

async function collect(bench: BenchEnvironment, measured: Case): Promise<Profiles> {
  const place = await bench.openDatabase("profile");
  const prepare = await prepareAll(await fillDatabase(bench, place, CALLS), measured);
  const snapshot = await takeSnapshot(place.database);
  const runner = await Runner.open("nest", place.environment);
  try {
    const profiles: Profiles = new Map();
    for (const lanes of IN_FLIGHT)
      for (let turn = -WARMING; turn <= 0; turn++) {
        await snapshot.restore(snapshot.collections);
        const { profile, wallMs } = await runner.run(prepare(), lanes, { withProfile: turn === 0 });
        if (profile) profiles.set(lanes, { profile, callMs: wallMs / CALLS });
      }
    return profiles;
  } finally {
    await runner.close();
    await place.drop();
  }
}

function tableOf(profiles: Profiles, keyOf: Parameters<typeof selfTimes>[1]): FigureTable["rows"] {
  const times = [...profiles.values()].map(({ profile }) => selfTimes(profile, keyOf));
  const keys = [...(times[0] ?? new Map()).keys()].slice(0, LISTED);
  const microseconds = (ms: number) => round((1000 * ms) / CALLS, 3);
  return [
    ["in", ...IN_FLIGHT.map((lanes) => `${lanes} concurrent`)],
    ...keys.map((key) => [key, ...times.map((sums) => microseconds(sums.get(key) ?? 0))]),
    ["wall time / calls", ...[...profiles.values()].map(({ callMs }) => round(1000 * callMs, 3))],
  ];
}
