import { styleText } from "node:util";
import ora from "ora";
import { oneLine } from "#tools/terminal/one_line.ts";

/** Tells how much of a step is done, from 0 to 100. A step that does not know never calls it. */
export type ReportPercent = (percent: number) => void;

/** Runs a slow step and shows it to the developer, with its elapsed time and, if the work reports it, a percentage. */
export type Step = <Result>(
  title: string,
  work: (reportPercent: ReportPercent) => Promise<Result>,
) => Promise<Result>;

/** What `npm start` prints with. */
export interface TerminalOutput {
  /** Prints a line for the developer. */
  say(line: string): void;
  /** Shows a slow step with its elapsed time. */
  step: Step;
  /** Prints a log line of the API. */
  write(line: string): void;
}

const SPINNER_INTERVAL_MS = 250;
const QUARTER = 25;
const MAX_VALUE_LENGTH = 80;
const COLORS = { info: "cyan", warn: "yellow", error: "red" } as const;

/**
 * Chooses the output. A terminal gets a spinner with the elapsed time and readable log lines. A pipe or file gets plain lines
 * and the log lines as JSON.
 */
export function createTerminalOutput({ isTerminal }: { isTerminal: boolean }): TerminalOutput {
  const say = (line: string) => console.log(line);
  return isTerminal
    ? { say, step: spinnerStep, write: (line) => console.log(formatLogLine(line)) }
    : { say, step: plainStep(say), write: say };
}

/**
 * Measures time from now on.
 * @returns a function that describes the elapsed time, such as `12 s`, or returns null during the first second
 */
export function stopwatch(nowMs: () => number = Date.now): () => string | null {
  const startedAt = nowMs();
  return () => {
    const seconds = Math.round((nowMs() - startedAt) / 1000);
    return seconds >= 1 ? `${seconds} s` : null;
  };
}

/**
 * Returns a `Step` for a pipe or file. It prints the title, each quarter of a percentage, and the duration if the step took
 * a second or longer.
 * @param nowMs the current time in milliseconds
 */
export function plainStep(say: (line: string) => void, nowMs: () => number = Date.now): Step {
  return async (title, work) => {
    const elapsed = stopwatch(nowMs);
    let next = QUARTER;
    say(title);
    const result = await work((percent) => {
      if (percent < next || percent >= 100) return;
      say(`  ${[`${Math.floor(percent)} %`, elapsed()].filter(Boolean).join(" after ")}`);
      next = (Math.floor(percent / QUARTER) + 1) * QUARTER;
    });
    const time = elapsed();
    if (time) say(`Finished after ${time}.`);
    return result;
  };
}

/** Shows a step on a terminal: a spinner, the percentage and the elapsed time. */
const spinnerStep: Step = async (title, work) => {
  const elapsed = stopwatch();
  let share: string | null = null;
  // The default would read Ctrl-C from the terminal itself, and `npm start` could no longer stop its child processes.
  const spinner = ora({ text: title, discardStdin: false }).start();
  const timer = setInterval(() => {
    spinner.text = [title, share, elapsed()].filter(Boolean).join(" ");
  }, SPINNER_INTERVAL_MS);
  try {
    const result = await work((percent) => {
      share = `${Math.floor(percent)} %`;
    });
    const time = elapsed();
    spinner.succeed(time ? `${title} Finished after ${time}.` : title);
    return result;
  } catch (error) {
    spinner.fail(title);
    throw error;
  } finally {
    clearInterval(timer);
  }
};

/**
 * Formats a JSON log line for a terminal: time, level, event, then the fields that are set. A line that is not JSON stays
 * as it is.
 */
export function formatLogLine(line: string): string {
  let fields: Record<string, unknown>;
  try {
    fields = JSON.parse(line);
  } catch {
    return line;
  }
  const { level, event, time, ...rest } = fields;
  const color = COLORS[level as keyof typeof COLORS] ?? "white";
  const clock = new Date(String(time)).toLocaleTimeString("en-GB");
  const values = Object.entries(rest)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => `${styleText("dim", `${name}=`)}${shorten(value)}`);
  return [styleText("dim", clock), styleText(color, String(level).padEnd(5)), String(event), ...values].join(
    " ",
  );
}

/** Shortens a value to one line, without control characters, which could change the terminal. */
function shorten(value: unknown): string {
  const text = oneLine(typeof value === "string" ? value : JSON.stringify(value));
  return text.length > MAX_VALUE_LENGTH ? `${text.slice(0, MAX_VALUE_LENGTH)}…` : text;
}
