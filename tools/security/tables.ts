/** A file, or a test in it, that a table names. */
export interface Reference {
  /** Path from the root of the repository. */
  file: string;
  /** Title of a test or suite as in the source; null for the whole file. */
  title: string | null;
}

/**
 * The rows of the Markdown table with this heading, each as a record by column.
 * @throws Error if the page has no such table
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

/**
 * The references of a cell: a file in backticks such as `path/of/a/file.ts`, optionally followed by titles in quotes.
 */
export function references(cell: string): Reference[] {
  return [...cell.matchAll(/`((?:[\w.-]+\/)+[\w.-]+\.\w+)`((?: "[^"]+",?)*)/g)].flatMap(
    ([, file = "", titles = ""]): Reference[] => {
      const named = [...titles.matchAll(/"([^"]+)"/g)].map(([, title = ""]) => ({ file, title }));
      return named.length > 0 ? named : [{ file, title: null }];
    },
  );
}
