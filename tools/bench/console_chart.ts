import { barChart } from "#tools/bench/chart.ts";
import { type ConsoleResult, MOMENTS } from "#tools/bench/sections/console.ts";

/** Draws how long the admin console takes to appear. @returns an SVG */
export function consoleChart({ ms, budget, rounds }: ConsoleResult, machine: string): Promise<string> {
  return barChart(
    {
      title: "Loading the admin console with an empty cache",
      subtitle: `Median of ${rounds} loads from the local stack. In brackets: the longest. Black line: target. ${machine}`,
      x: "milliseconds since the navigation began (lower is better)",
      y: "moment",
    },
    MOMENTS.map((moment, index) => ({
      label: moment,
      value: ms[moment].median,
      detail: `${ms[moment].longest} ms`,
      ...(index === 0
        ? { target: budget, isMet: ms[moment].median <= budget }
        : { target: null, isMet: null }),
    })),
  );
}
