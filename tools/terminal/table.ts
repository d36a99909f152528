import { styleText } from "node:util";
import Table from "cli-table3";

/** Columns are separated by two spaces and have no lines, so that a table can be read by `grep` and `awk`. */
const NO_LINES = {
  ...{ top: "", "top-mid": "", "top-left": "", "top-right": "" },
  ...{ bottom: "", "bottom-mid": "", "bottom-left": "", "bottom-right": "" },
  ...{ left: "", "left-mid": "", mid: "", "mid-mid": "", right: "", "right-mid": "", middle: "  " },
};

/**
 * Formats rows as columns of equal width.
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
  formatted.push(...rows.map((row) => [...row]));
  return formatted
    .toString()
    .split("\n")
    .map((line) => line.trimEnd());
}
