import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import {
  brokenLinks,
  listFiles,
  type Page,
  parsePage,
  readPage,
  resolve,
} from "#tests/tools/docs/markdown.ts";
import { readTable } from "#tools/security/tables.ts";

const pages = new Map(
  (await Promise.all(listFiles("*.md", ":!tests").map(readPage))).map((page) => [page.path, page] as const),
);

/** Every page that can be reached from a page by following links. */
function reachableFrom(path: string): Set<string> {
  const reached = new Set<string>();
  const next = [path];
  for (let at = next.pop(); at !== undefined; at = next.pop()) {
    const page = pages.get(at);
    if (!page || reached.has(at)) continue;
    reached.add(at);
    next.push(...page.targets.map((target) => resolve(page, target)?.file ?? ""));
  }
  return reached;
}

test.each([...pages.keys()])("every link of %s leads to an existing file and heading", (path) => {
  expect(brokenLinks(pages.get(path) as Page, pages)).toEqual([]);
});

test("every page can be reached from docs/README.md, and docs/README.md from README.md", () => {
  expect([...pages.keys()].filter((path) => !reachableFrom("docs/README.md").has(path))).toEqual([]);
  expect(reachableFrom("README.md").has("docs/README.md")).toBe(true);
});

test("no page has a placeholder such as <name> outside code, which a browser takes for a tag", () => {
  const found = [...pages.values()].flatMap(({ path, tags }) => tags.map((tag) => `${path}: ${tag}`));
  expect(found).toEqual([]);
});

test("every picture is used on a page, or on the start page of the site", async () => {
  const startPage = await readFile("tools/site/vitepress/.vitepress/theme/home_page.vue", "utf8");
  const shown = [
    ...[...pages.values()].flatMap((page) => page.targets.map((target) => resolve(page, target)?.file)),
    ...[...startPage.matchAll(/docs\/pictures\/\w+\.\w+/g)].map(([file]) => file),
  ];
  expect(listFiles("docs/pictures").filter((file) => !shown.includes(file))).toEqual([]);
});

test("every path below docs/ that code, commands and messages name exists", async () => {
  const files = listFiles("src", "tools", "tests", "deploy", "packages", "*.yml", "*.md", ".env.example");
  const missing: string[] = [];
  for (const file of files) {
    for (const [name] of (await readFile(file, "utf8")).matchAll(/\bdocs\/[\w./-]+\.(?:md|json|svg)\b/g))
      if (!existsSync(name) && !isPlaceholder(name)) missing.push(`${file}: ${name}`);
  }
  expect(missing).toEqual([]);
});
const isPlaceholder = (name: string) => name.startsWith("docs/example/");

test("every file and folder that a page names in code exists", async () => {
  const missing: string[] = [];
  for (const path of pages.keys()) {
    for (const [, name = ""] of (await readFile(path, "utf8")).matchAll(REPOSITORY_PATH))
      if (!existsSync(name)) missing.push(`${path}: ${name}`);
  }
  expect(missing).toEqual([]);
});
/** A path from the root of the repository in a code span, without placeholders such as `<date>`. */
const REPOSITORY_PATH = /`((?:src|tools|packages|tests|deploy)\/[\w./-]*)`/g;

describe("decisions", () => {
  const decisions = listFiles("docs/decisions/[0-9]*.md");

  test("are numbered from 1 without gaps or repetitions", () => {
    expect(decisions.map((path) => Number(/\/(\d{4})_/.exec(path)?.[1]))).toEqual(
      decisions.map((_, index) => index + 1),
    );
  });

  test.each(decisions)("%s has its number in its heading and all sections", async (path) => {
    const text = await readFile(path, "utf8");
    expect(text).toMatch(new RegExp(`^# ${Number(/\/(\d{4})_/.exec(path)?.[1])}\\. `));
    for (const heading of ["Context", "Decision", "Consequences", "What would change our mind"])
      expect(text).toContain(`\n## ${heading}\n`);
  });
});

test("broken links are found in text, HTML and pictures, and ignored in code", () => {
  const page = parsePage(
    "docs/example/page.md",
    [
      "# One `two`, three",
      "[a](#one-two-three) [b](#nowhere) [c](../../README.md) [d](gone.md) ![e](../pictures/gone.svg)",
      '<img src="gone.png"> <https://example.com> `[f](code.md)`',
      "```\n[g](code.md)\n```",
    ].join("\n\n"),
  );
  const known = new Map([...pages, [page.path, page]]);
  // The example page does not exist as a file, so its own anchor counts as broken.
  const broken = brokenLinks(page, known).filter((target) => target !== "#one-two-three");
  expect(broken).toEqual(["#nowhere", "gone.md", "../pictures/gone.svg", "gone.png"]);
  expect(page.anchors).toEqual(new Set(["one-two-three"]));
});

test("docs/operate.md lists exactly the deployed alarms", async () => {
  const { Resources } = parse(await readFile("deploy/alarms.yml", "utf8"), { merge: true }) as {
    Resources: Record<string, { Type: string; Properties: { AlarmName: string } }>;
  };
  const deployed = Object.values(Resources).flatMap(({ Type, Properties }) =>
    Type === "AWS::CloudWatch::Alarm" ? [Properties.AlarmName.split(" ").at(-1)] : [],
  );
  const [, section = ""] = (await readFile("docs/operate.md", "utf8")).split("## Alarms");
  const shown = readTable(section, "Alarm", "What it means", "Go to").map((row) => row.Alarm);
  expect(shown.sort()).toEqual(deployed.map((name) => `\`${name}\``).sort());
});
