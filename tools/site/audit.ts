/**
 * `node tools/site/audit.ts`: builds the documentation site and examines some of its pages in Chromium. Each page must fit
 * its window, axe must find no serious violation, in light and dark, and Lighthouse must rate accessibility and best
 * practices with 95 or more. Exits with status 1 otherwise. With `--pictures <folder>` it also saves a picture of each page,
 * with `--record` its result, which docs/results.md then shows.
 */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { AxeResults } from "axe-core";
import { type Browser, chromium, type Page } from "playwright-core";
import { findBrowser } from "#tools/machine/browser.ts";
import { freePort, run, startServer } from "#tools/machine/child_process.ts";
import { installFolder } from "#tools/machine/package_folder.ts";
import { type RunRecord, saveRecord } from "#tools/machine/run_records.ts";

/** The start page, a guide, the reference, a page with diagrams, and a page with charts. */
const PAGES = ["", "browser_and_react", "methods", "deploy", "performance"];
/** Lighthouse takes some seconds for each page. */
const RATED = ["", "browser_and_react", "methods"];
const WIDTHS = [390, 1280];
const SCHEMES = ["light", "dark"] as const;
/** Lighthouse's categories and what they are called. */
const CATEGORIES = { accessibility: "Accessibility", "best-practices": "Best practices" } as const;
const LEAST_SCORE = 95;
const START_TIMEOUT_MS = 20_000;

const SITE = new URL("vitepress/", import.meta.url);
const LIGHTHOUSE = new URL("lighthouse/", import.meta.url);
const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const failures: string[] = [];
const ratings: string[][] = [];
const { values } = parseArgs({ options: { pictures: { type: "string" }, record: { type: "boolean" } } });

const found = await findBrowser();
if ("missing" in found) throw new Error(`The audit needs a browser: ${found.missing}`);
await run(process.execPath, [fileURLToPath(new URL("main.ts", import.meta.url))], { stdio: "inherit" });

const port = await freePort();
const url = `http://localhost:${port}/`;
const vitepress = fileURLToPath(new URL("node_modules/vitepress/bin/vitepress.js", SITE));
const server = startServer(process.execPath, [
  vitepress,
  "preview",
  fileURLToPath(SITE),
  "--port",
  String(port),
]);
try {
  await waitUntilServed();
  await examineAll(found.path);
  await rateAll(found.path);
} finally {
  await server.stop();
}
for (const failure of failures) console.error(failure);
if (failures.length > 0) process.exitCode = 1;
else if (values.record) await saveRecord("site", resultOf(ratings));

function resultOf(rows: readonly string[][]): RunRecord {
  const views = `${WIDTHS.join(" and ")} px, ${SCHEMES.join(" and ")}`;
  return {
    summary: `axe found no serious violation on ${PAGES.length} pages, each at ${views}. Lighthouse rated ${rows.length} of them.`,
    table: { head: ["Page", ...Object.values(CATEGORIES)], rows },
  };
}

async function waitUntilServed(): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline) {
    const response = await fetch(url).catch(() => null);
    if (response?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`The site was not served within ${START_TIMEOUT_MS} ms: ${server.lastOutput()}`);
}

async function examineAll(executablePath: string): Promise<void> {
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
  for (const path of PAGES)
    for (const colorScheme of SCHEMES)
      for (const width of WIDTHS) await examine(browser, { path, colorScheme, width });
  await browser.close();
}

interface View {
  path: string;
  colorScheme: (typeof SCHEMES)[number];
  /** In pixels. */
  width: number;
}

async function examine(browser: Browser, { path, colorScheme, width }: View): Promise<void> {
  const name = `${path || "index"}-${width}-${colorScheme}`;
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme });
  const page = await context.newPage();
  page.on("pageerror", ({ message }) => failures.push(`${name}: ${message}`));
  await page.goto(url + path, { waitUntil: "networkidle" });
  const overflow = await page.evaluate(
    "document.documentElement.scrollWidth - document.documentElement.clientWidth",
  );
  if (overflow !== 0) failures.push(`${name}: ${overflow} px wider than its window`);
  for (const { id, nodes } of await seriousViolations(page))
    failures.push(`${name}: axe reports ${id} for ${nodes.length} elements, such as ${nodes[0]?.html}`);
  if (values.pictures) await page.screenshot({ path: join(values.pictures, `${name}.png`) });
  await context.close();
}

async function seriousViolations(page: Page): Promise<AxeResults["violations"]> {
  await page.evaluate(AXE);
  const { violations } = (await page.evaluate(
    "axe.run(document, { iframes: false, resultTypes: ['violations'] })",
  )) as AxeResults;
  return violations.filter(({ impact }) => impact === "serious" || impact === "critical");
}

async function rateAll(chrome: string): Promise<void> {
  installFolder(LIGHTHOUSE, "lighthouse");
  for (const path of RATED) {
    const { categories, audits } = await rate(url + path, chrome);
    const points = Object.keys(CATEGORIES).map((category) => {
      const { score, auditRefs } = categories[category] ?? { score: 0, auditRefs: [] };
      const points = Math.round((score ?? 0) * 100);
      const missed = auditRefs.map(({ id }) => audits[id]).filter((audit) => audit?.score === 0);
      const reasons = missed.map((audit) => audit?.title).join("; ");
      console.log(`Lighthouse: ${path || "index"}, ${category}: ${points}. ${reasons}`.trim());
      if (points < LEAST_SCORE) failures.push(`${path || "index"}: ${category} is ${points}: ${reasons}`);
      return String(points);
    });
    ratings.push([path || "index", ...points]);
  }
}

interface Rating {
  categories: Record<string, { score: number | null; auditRefs: { id: string }[] }>;
  audits: Record<string, { title: string; score: number | null }>;
}

async function rate(page: string, chrome: string): Promise<Rating> {
  const program = fileURLToPath(new URL("node_modules/lighthouse/cli/index.js", LIGHTHOUSE));
  const options = [
    "--quiet",
    "--output=json",
    "--preset=desktop",
    `--only-categories=${Object.keys(CATEGORIES).join()}`,
    "--chrome-flags=--headless=new --no-sandbox --disable-gpu",
  ];
  const printed = await run(process.execPath, [program, page, ...options], {
    env: { ...process.env, CHROME_PATH: chrome },
    stdio: ["ignore", "pipe", "ignore"],
    timeoutMs: 120_000,
  });
  return JSON.parse(printed);
}
