import { stripVTControlCharacters, styleText } from "node:util";
import ora from "ora";

/** Runs a slow step of the start and shows it to the developer. */
export type Step = <Result>(title: string, work: () => Promise<Result>) => Promise<Result>;

/** What `npm start` prints with. */
export interface TerminalOutput {
  /** Prints a line for the developer. */
  say(line: string): void;
  /** Shows a slow step with its elapsed time. */
  step: Step;
  /** Prints a log line of the API. */
  write(line: string): void;
}

const SPINNER_INTERVAL_MS = 1000;
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
 * Returns a `Step` that prints the title, and the duration if the step took a second or longer.
 * @param nowMs the current time in milliseconds
 */
export function plainStep(say: (line: string) => void, nowMs: () => number = Date.now): Step {
  return async (title, work) => {
    const startedAt = nowMs();
    say(title);
    const result = await work();
    const seconds = Math.round((nowMs() - startedAt) / 1000);
    if (seconds >= 1) say(`Finished after ${seconds} s.`);
    return result;
  };
}

const spinnerStep: Step = async (title, work) => {
  const startedAt = Date.now();
  // The default would read Ctrl-C from the terminal itself, and `npm start` could no longer stop its child processes.
  const spinner = ora({ text: title, discardStdin: false }).start();
  const timer = setInterval(() => {
    spinner.text = `${title} ${secondsSince(startedAt)} s`;
  }, SPINNER_INTERVAL_MS);
  try {
    const result = await work();
    spinner.succeed(`${title} Finished after ${secondsSince(startedAt)} s.`);
    return result;
  } catch (error) {
    spinner.fail(title);
    throw error;
  } finally {
    clearInterval(timer);
  }
};

const secondsSince = (startedAt: number) => Math.round((Date.now() - startedAt) / 1000);

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
  const text = stripVTControlCharacters(typeof value === "string" ? value : JSON.stringify(value));
  return text.length > MAX_VALUE_LENGTH ? `${text.slice(0, MAX_VALUE_LENGTH)}…` : text;
}
