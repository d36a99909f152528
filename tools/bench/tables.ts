/** Prints rows as a table. The first row is the heading; columns of numbers are right-aligned. */
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

/** The figures of a section as a table, for the terminal or a docs page. */
export interface FigureTable {
  title: string;
  /** Explains the columns in one or two sentences. */
  explanation: string;
  /** The first row is the heading. */
  rows: readonly (readonly (string | number)[])[];
  /** A conclusion from all rows. */
  note?: string;
}

export function printFigures({ title, explanation, rows, note }: FigureTable): void {
  printHeading(title.toUpperCase(), explanation);
  printTable(rows);
  if (note) console.log(`\n  ${note}`);
}

/** Prints the title and explanation of a section. */
export function printHeading(title: string, explanation: string): void {
  console.log(`\n${title}\n${explanation}\n`);
}
