import { styleText } from "node:util";
import Table from "cli-table3";
import { oneLine } from "#tools/terminal/one_line.ts";

/** Columns are separated by two spaces and have no lines, so that a table can be read by `grep` and `awk`. */
const NO_LINES = {
  ...{ top: "", "top-mid": "", "top-left": "", "top-right": "" },
  ...{ bottom: "", "bottom-mid": "", "bottom-left": "", "bottom-right": "" },
  ...{ left: "", "left-mid": "", mid: "", "mid-mid": "", right: "", "right-mid": "", middle: "  " },
};

/**
 * Formats rows as columns of equal width. Cells have values from outside, such as a name that a user chose, so control characters are
 * shown as escapes.
 * @param head the names of the columns, which are bold on a terminal
 * @returns the lines; none if there are no rows
 */
export function table(rows: readonly (readonly string[])[], head?: readonly string[]): string[] {
  if (rows.length === 0) return [];
  const formatted = new Table({
    chars: NO_LINES,
    style: { "padding-left": 0, "padding-right": 0, head: [], border: [] },
  });
  if (head) formatted.push(head.map((name) => styleText("bold", name, { stream: process.stdout })));
  formatted.push(...rows.map((row) => row.map(oneLine)));
  return formatted
    .toString()
    .split("\n")
    .map((line) => line.trimEnd());
}
