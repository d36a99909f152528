import { type Browser, chromium, type Page } from "playwright-core";
import { numbers } from "#tools/bench/fill_database.ts";
import { median } from "#tools/bench/statistics.ts";
import type { FigureTable } from "#tools/bench/tables.ts";
import { startLocalStack } from "#tools/local/stack.ts";
import { findBrowser } from "#tools/machine/browser.ts";

/** Target for the first paint, in milliseconds. */
const FIRST_PAINT_BUDGET_MS = 1_000;

/** The moments of a load, in the order in which they come. */
export const MOMENTS = ["first paint", "first text", "form can be used"] as const;
type Moment = (typeof MOMENTS)[number];

/** One load. */
interface Load {
  /** Milliseconds since the navigation began, by moment. */
  ms: Record<Moment, number>;
  /** Bytes of all files and their headers, as the local stack sends them: without compression. */
  bytes: number;
  requests: number;
}

export interface ConsoleResult {
  browser: string;
  rounds: number;
  /** The median and the longest of all rounds, by moment. */
  ms: Record<Moment, { median: number; longest: number }>;
  bytes: number;
  requests: number;
  budget: number;
}

/** Opens the admin console of the local stack in a browser whose cache is empty, several times. */
export async function measureConsole({ rounds }: { rounds: number }): Promise<ConsoleResult> {
  const found = await findBrowser();
  if ("missing" in found) throw new Error(`The section console needs a browser: ${found.missing}`);
  await using cleanup = new AsyncDisposableStack();
  const ignore = () => undefined;
  const stack = await startLocalStack({ port: 0, isThrowAway: true, say: ignore, write: ignore });
  cleanup.defer(stack.close);
  const browser = await chromium.launch({
    executablePath: found.path,
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
  });
  cleanup.defer(() => browser.close());
  const loads: Load[] = [];
  for (const _round of numbers(rounds)) loads.push(await loadOnce(browser, `${stack.url}/console`));
  return { browser: browser.version(), ...summarize(loads), budget: FIRST_PAINT_BUDGET_MS };
}

/** Loads a page in a new context, which has no cache. */
async function loadOnce(browser: Browser, url: string): Promise<Load> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  try {
    const page = await context.newPage();
    await page.goto(url);
    await page.getByRole("button", { name: "Send link" }).waitFor();
    return await readTimes(page);
  } finally {
    await context.close();
  }
}

/** What the browser measured. The page can be used when the script that waits for the form has run. */
const readTimes = (page: Page): Promise<Load> =>
  page.evaluate(`(() => {
    const now = performance.now();
    const paint = (name) => performance.getEntriesByName(name)[0]?.startTime ?? now;
    const files = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
    return {
      ms: {
        "first paint": paint("first-paint"),
        "first text": paint("first-contentful-paint"),
        "form can be used": now,
      },
      bytes: files.reduce((sum, { transferSize }) => sum + transferSize, 0),
      requests: files.length,
    };
  })()`);

/** @param loads at least one */
export function summarize(
  loads: readonly Load[],
): Pick<ConsoleResult, "rounds" | "ms" | "bytes" | "requests"> {
  const of = (moment: Moment) => loads.map(({ ms }) => ms[moment]);
  const entries = MOMENTS.map(
    (moment) =>
      [
        moment,
        { median: Math.round(median(of(moment))), longest: Math.round(Math.max(...of(moment))) },
      ] as const,
  );
  return {
    rounds: loads.length,
    ms: Object.fromEntries(entries) as ConsoleResult["ms"],
    bytes: Math.max(...loads.map(({ bytes }) => bytes)),
    requests: Math.max(...loads.map(({ requests }) => requests)),
  };
}

export function describeConsole(result: ConsoleResult): FigureTable {
  const { browser, rounds, ms, bytes, requests, budget } = result;
  const isMet = ms["first paint"].median <= budget;
  return {
    title: "Admin console",
    explanation: `The sign-in page of the admin console on the local stack, in Chromium ${browser} with an empty cache, ${rounds} times.
Milliseconds since the navigation began.`,
    rows: [
      ["moment", "median ms", "longest ms"],
      ...MOMENTS.map((moment) => [moment, ms[moment].median, ms[moment].longest]),
    ],
    note:
      `${requests} files with ${Math.round(bytes / 1000)} KB, not compressed. ` +
      `Target for the first paint: at most ${budget} ms, ${isMet ? "met" : "missed"}.`,
  };
}
