/** A test or file that a table names. */
export interface Reference {
  /** From the repository's root. */
  file: string;
  /** A test's or a suite's title as its source has it; null for the whole file. */
  title: string | null;
}

/**
 * The rows of a page's Markdown tables that have this heading, each as a record by column.
 * @throws Error if there is no such table
 */
export function readTable(markdown: string, ...head: string[]): Record<string, string>[] {
  const heading = `| ${head.join(" | ")} |`;
  const lines = markdown.split("\n");
  const start = lines.indexOf(heading);
  if (start < 0) throw new Error(`no table with the heading ${heading}`);
  const rows: Record<string, string>[] = [];
  for (const line of lines.slice(start + 2)) {
    if (!line.startsWith("| ")) break;
    const cells = line.slice(2, -2).split(/(?<!\\) \| /);
    if (cells.length !== head.length) throw new Error(`a row with ${cells.length} cells: ${line}`);
    rows.push(Object.fromEntries(head.map((name, column) => [name, cells[column] ?? ""])));
  }
  return rows;
}

/** What a cell names: `path/of/a/file.ts`, followed by titles in quotes or by none. */
export function references(cell: string): Reference[] {
  return [...cell.matchAll(/`((?:[\w.-]+\/)+[\w.-]+\.\w+)`((?: "[^"]+",?)*)/g)].flatMap(
    ([, file = "", titles = ""]): Reference[] => {
      const named = [...titles.matchAll(/"([^"]+)"/g)].map(([, title = ""]) => ({ file, title }));
      return named.length > 0 ? named : [{ file, title: null }];
    },
  );
}
