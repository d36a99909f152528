import { describe, expect, test } from "vitest";
import { listFiles, readPage } from "#tests/tools/docs/markdown.ts";
import { siteTarget, slugify } from "#tools/site/links.ts";
import { GROUPS, sitePath, UNLISTED } from "#tools/site/pages.ts";

const listed = GROUPS.flatMap(({ pages }) => pages.map(([, file]) => file));

test("the sidebar of the site lists every page of docs once, and no page that does not exist", () => {
  const pages = listFiles("docs/*.md").filter((file) => !UNLISTED.test(file));
  const outside = listed.filter((file) => !file.startsWith("docs/"));
  expect([...listed].sort()).toEqual([...pages, ...outside].sort());
  expect([...outside].sort()).toEqual(listFiles(...outside));
});

test("no two files have the same path on the site", () => {
  const paths = listFiles("*.md").flatMap((file) => sitePath(file) ?? []);
  expect(paths).toEqual([...new Set(paths)]);
});

describe("a link of a page", () => {
  test.each([
    ["docs/start.md", "concepts.md#billing", "/concepts.md#billing"],
    ["docs/start.md", "README.md", "/index.md"],
    ["docs/start.md", "../packages/client/README.md", "/typed_client.md"],
    ["docs/decisions/README.md", "0010_money.md", "/decisions/0010_money.md"],
    ["packages/client/README.md", "../../docs/errors.md", "/errors.md"],
    ["docs/methods.md", "openapi.json", "/openapi.json"],
    ["docs/start.md", "#1-run-it", "#1-run-it"],
    ["docs/start.md", "https://example.com/a.md", "https://example.com/a.md"],
    ["docs/decisions/0023_scalar_reference.md", "../../tools/local/start.ts", null],
  ])("from %s to %s leads to %s", (file, href, target) => {
    expect(siteTarget(file, href, ["docs/openapi.json"])).toBe(target);
  });
});

test("every heading of every page has the anchor that a Git host gives it", async () => {
  for (const file of listed) {
    const { anchors } = await readPage(file);
    // A Git host numbers repeated headings.
    for (const anchor of anchors) expect(slugify(anchor), file).toBe(anchor);
  }
  expect(slugify("One `two`, three: 4.5 & more")).toBe("one-two-three-45--more");
});
