/** A table for a terminal: the first column left, the others right unless they hold words. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, ...rows];
  const widths = head.map((_title, column) => Math.max(...lines.map((line) => (line[column] ?? "").length)));
  const isNumber = (column: number) => rows.every((row) => /^[\d.]+( \w+)?$/.test(row[column] ?? ""));
  const right = head.map((_title, column) => column > 0 && isNumber(column));
  const format = (line: readonly string[]) =>
    line
      .map((cell, column) =>
        right[column] ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join("  ")
      .trimEnd();
  return [format(head), widths.map((width) => "-".repeat(width)).join("  "), ...rows.map(format)].join("\n");
}
