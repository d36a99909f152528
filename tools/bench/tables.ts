/** Prints rows as a table: the first is its heading, and columns of numbers stand at the right. */
export function printTable(rows: readonly (readonly (string | number)[])[]): void {
  const cells = rows.map((row) => row.map(String));
  const widths = (cells[0] ?? []).map((_cell, column) =>
    Math.max(...cells.map((row) => row[column]?.length ?? 0)),
  );
  const isNumeric = widths.map((_width, column) =>
    rows.slice(1).every((row) => typeof row[column] === "number"),
  );
  for (const row of cells) {
    const line = row.map((cell, column) => {
      const width = widths[column] ?? 0;
      return isNumeric[column] ? cell.padStart(width) : cell.padEnd(width);
    });
    console.log(`  ${line.join("  ").trimEnd()}`);
  }
}

/** Figures as users read them, on a terminal or on a page. */
export interface FigureTable {
  title: string;
  /** What the columns are, in a sentence or two. */
  explanation: string;
  /** The first is the heading. */
  rows: readonly (readonly (string | number)[])[];
  /** What follows from them all. */
  note?: string;
}

export function printFigures({ title, explanation, rows, note }: FigureTable): void {
  printHeading(title.toUpperCase(), explanation);
  printTable(rows);
  if (note) console.log(`\n  ${note}`);
}

/** A part of the output, with what it says in a sentence. */
export function printHeading(title: string, explanation: string): void {
  console.log(`\n${title}\n${explanation}\n`);
}
