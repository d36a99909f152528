import { expect, test } from "vitest";
import { table } from "#tools/terminal/table.ts";

test("aligns columns by their width on a terminal, without lines or spaces at the end", () => {
  const rows = [
    ["newsitem_1", "🎉 Fête", ""],
    ["newsitem_22", "日本語", "all clients"],
  ];
  expect(table(rows, ["item", "title", "for"])).toEqual([
    "item         title    for",
    "newsitem_1   🎉 Fête",
    "newsitem_22  日本語   all clients",
  ]);
});

test("keeps spaces at the start of a cell, and has no lines without rows", () => {
  expect(table([["a", "  b"]])).toEqual(["a    b"]);
  expect(table([], ["head"])).toEqual([]);
});

test("shows control characters of a cell as escapes, so that no value changes the terminal or looks like another row", () => {
  const name = "\u001b]0;owned\u0007\u001b[2J\u009b1Aa\rb\nsubscription  active";
  const [line = "", ...more] = table([["factor", name]]);
  expect(more).toEqual([]);
  expect(line).not.toMatch(/\p{Cc}/u);
  expect(line).toContain("a\\u000db\\u000asubscription  active");
});
