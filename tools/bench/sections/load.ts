import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { median, round } from "#tools/bench/statistics.ts";
import type { FigureTable } from "#tools/bench/tables.ts";
import { type Bundle, bundle } from "#tools/deploy/bundle.ts";
import { ADD_ON, readAddOn } from "#tools/deploy/native_add_ons.ts";
import { zipFunction } from "#tools/deploy/zip.ts";
import { type DeployedFunction, listFunctions } from "#tools/stage/functions.ts";

const CHILD = fileURLToPath(new URL("load_child.cjs", import.meta.url));
const FLOOR = "driver_floor";
const LAZY_FLOOR = "driver_lazy";
const run = promisify(execFile);

export interface LoadRow {
  name: string;
  /** Services in addition to the database; `no database` for the two functions without a driver. */
  uses: string;
  bundleBytes: number;
  zipBytes: number;
  loadMs: number;
  /** Its time over the time of the driver alone in the same round; the median of all rounds. */
  overFloor: number;
  /** The same with the driver as functions bundle it, whose modules load on first use. */
  overLazyFloor: number;
  /** Target for `overFloor`; null for functions without a driver. */
  budget: number | null;
}

interface Size {
  bundleBytes: number;
  zipBytes: number;
  loadMs: number;
}

export interface LoadResult {
  rounds: number;
  /** The driver alone, as published, bundled. */
  floor: Size;
  /** The driver alone, as functions bundle it. */
  lazyFloor: Size;
  functions: LoadRow[];
}

/** Targets for `overFloor`, by the number of other services that a function uses. */
const BUDGETS = [1.15, 1.3, 1.5] as const;

/** Measures the size of each function, and how long a new process takes to load it. */
export async function measureLoad({ rounds }: { rounds: number }): Promise<LoadResult> {
  const functions = await listFunctions();
  const driver = "tools/bench/sections/driver_floor.ts";
  const sources = Object.fromEntries(functions.map(({ name, source }) => [name, source]));
  const bundles: Bundle[] = [
    ...(await bundle({ [FLOOR]: driver }, { plugins: [] })).bundles,
    ...(await bundle({ [LAZY_FLOOR]: driver, ...sources })).bundles,
  ];
  const folder = await mkdtemp(join(tmpdir(), "nest-bench-load-"));
  try {
    const addOn = { [ADD_ON]: await readAddOn("here") };
    await writeFile(join(folder, ADD_ON), addOn[ADD_ON] ?? "");
    for (const { name, code } of bundles) await writeFile(join(folder, `${name}.js`), code);
    const times = await loadInTurns(
      folder,
      bundles.map(({ name }) => name),
      rounds,
    );
    const sizes = new Map(
      bundles.map(({ name, code, usesAddOn }) => [
        name,
        { bundleBytes: code.length, zipBytes: zipFunction(code, usesAddOn ? addOn : {}).length },
      ]),
    );
    const row = (name: string) => ({
      ...(sizes.get(name) ?? { bundleBytes: 0, zipBytes: 0 }),
      loadMs: round(median(times.get(name) ?? [])),
    });
    const over = (name: string, floor: string) =>
      round(
        median((times.get(name) ?? []).map((ms, index) => ms / (times.get(floor)?.[index] ?? Number.NaN))),
        3,
      );
    return {
      rounds,
      floor: row(FLOOR),
      lazyFloor: row(LAZY_FLOOR),
      functions: functions.map((deployed) => ({
        name: deployed.name,
        ...usesOf(deployed),
        ...row(deployed.name),
        overFloor: over(deployed.name, FLOOR),
        overLazyFloor: over(deployed.name, LAZY_FLOOR),
      })),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Loads every file once per round, in a rotating order, so that other load affects all files equally. */
async function loadInTurns(
  folder: string,
  names: readonly string[],
  rounds: number,
): Promise<Map<string, number[]>> {
  const times = new Map<string, number[]>(names.map((name) => [name, []]));
  // The first round fills the disk cache and is not counted.
  for (let turn = -1; turn < rounds; turn++) {
    for (let index = 0; index < names.length; index++) {
      const name = names[(index + Math.max(0, turn)) % names.length] ?? "";
      const { stdout } = await run(process.execPath, [CHILD, join(folder, `${name}.js`)]);
      if (turn >= 0) times.get(name)?.push(Number(stdout));
    }
  }
  return times;
}

function usesOf({ needs }: DeployedFunction): { uses: string; budget: number | null } {
  if (!("MONGODB_URI" in needs.variables)) return { uses: "no database", budget: null };
  const others = [
    ...("MAIL_FROM" in needs.variables ? ["mail"] : []),
    ...("STRIPE_SECRET_KEY" in needs.variables ? ["Stripe"] : []),
  ];
  return { uses: others.join(" and ") || "database only", budget: BUDGETS[others.length] ?? null };
}

const kb = (bytes: number) => Math.round(bytes / 1024);

export function describeLoad({ rounds, floor, lazyFloor, functions }: LoadResult): FigureTable {
  const sizes = (row: Size) => [kb(row.bundleBytes), kb(row.zipBytes), row.loadMs];
  return {
    title: "Loading",
    explanation: `The size of each function, and how long a new process takes to load it: the median of ${rounds} rounds.
"over driver" is that time over the time for the bundled database driver alone, as published; the targets are for it. "over
lazy" is the same with the driver as functions bundle it, whose modules load on first use.`,
    rows: [
      ["function", "uses", "bundle KB", "zip KB", "load ms", "over driver", "over lazy", "target", "met"],
      ["(the driver as published)", "", ...sizes(floor), 1, "", "", ""],
      [
        "(the driver with lazy modules)",
        "",
        ...sizes(lazyFloor),
        round(lazyFloor.loadMs / floor.loadMs, 3),
        1,
        "",
        "",
      ],
      ...functions.map((row) => [
        row.name,
        row.uses,
        ...sizes(row),
        row.overFloor,
        row.overLazyFloor,
        row.budget ?? "",
        row.budget === null ? "" : row.overFloor <= row.budget ? "yes" : "no",
      ]),
    ],
  };
}
