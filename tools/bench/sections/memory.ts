import { CASES } from "#tools/bench/cases.ts";
import type { BenchEnvironment } from "#tools/bench/environment.ts";
import { fillDatabase, prepareAll } from "#tools/bench/fill_database.ts";
import { Runner } from "#tools/bench/runner.ts";
import { round, slope } from "#tools/bench/statistics.ts";
import type { FigureTable } from "#tools/bench/tables.ts";

/** Calls that apps make all day and that can be repeated without limit. */
const MIX = [
  "send_magic_link",
  "get_user",
  "get_subscription_status 2020-12-14",
  "set_marketing_consent",
  "list_sessions",
];
const USERS = 200;
const IN_FLIGHT = 16;
/** Target. Less than this per call is no leak: the heap is still settling. */
const BUDGET_BYTES = 16;

export interface MemoryResult {
  calls: number;
  /** The heap after garbage collection, by the number of calls. */
  heap: { calls: number; bytes: number }[];
  /** The slope of the heap in the second half of the calls. */
  bytesPerCall: number;
  budget: number;
}

/** Makes many calls in one process and measures its heap. */
export async function measureMemory(
  bench: BenchEnvironment,
  { calls }: { calls: number },
): Promise<MemoryResult> {
  const place = await bench.openDatabase("memory");
  const filled = await fillDatabase(bench, place, USERS);
  const runner = await Runner.open("nest", place.environment);
  try {
    const kinds = await Promise.all(
      CASES.filter(({ name }) => MIX.includes(name)).map((measured) => prepareAll(filled, measured)),
    );
    const mixed = kinds.flatMap((prepare) => prepare());
    const heap: MemoryResult["heap"] = [];
    for (let made = 0; made < calls; ) {
      const { heapBytes } = await runner.run(mixed, IN_FLIGHT, { withHeap: true });
      made += mixed.length;
      heap.push({ calls: made, bytes: heapBytes ?? 0 });
    }
    const settled = heap.slice(Math.floor(heap.length / 2));
    return {
      calls: heap.at(-1)?.calls ?? 0,
      heap,
      bytesPerCall: round(slope(settled.map(({ calls: made, bytes }) => [made, bytes])), 3),
      budget: BUDGET_BYTES,
    };
  } finally {
    await runner.close();
    await place.drop();
  }
}

const mb = (bytes: number) => round(bytes / 2 ** 20, 4);

export function describeMemory({ calls, heap, bytesPerCall, budget }: MemoryResult): FigureTable {
  const marks = [0, 0.25, 0.5, 0.75, 1].map((share) => heap[Math.round(share * (heap.length - 1))]);
  return {
    title: "Memory",
    explanation: `The heap of one process after garbage collection, over ${calls.toLocaleString("en")} calls of five methods.`,
    rows: [
      ["calls", "heap MB"],
      ...[...new Set(marks)].map((mark) => [mark?.calls ?? 0, mb(mark?.bytes ?? 0)]),
    ],
    note: `${bytesPerCall} bytes per call in the second half; target: at most ${budget}, ${bytesPerCall <= budget ? "met" : "missed"}.`,
  };
}
