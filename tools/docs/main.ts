/**
 * `node tools/docs/main.ts`: writes the pages and files that are generated from the code. With `--check` it writes nothing,
 * prints every stale file and exits with status 1.
 */
import { readdir, readFile, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";

/** A paragraph, heading or list as Markdown, a table, or code. */
type Block = string | { head: readonly string[]; rows: readonly (readonly string[])[] };

/** The exports of a file in `tools/docs/pages/`. */
interface Page {
  /** The path of the generated file, from the root of the repository. */
  path: string;
  /** The blocks of a Markdown page, or the whole text of any other file. */
  render(): Promise<readonly Block[] | string>;
}

const ROOT = new URL("../../", import.meta.url);
const PAGES = new URL("./pages/", import.meta.url);
const GENERATED = "<!-- Generated from the code by `npm run docs`. Do not edit: change the code. -->";

const LINE_WIDTH = 115;

/** A bar would end the cell, even inside backticks. */
const cell = (text: string) => text.replaceAll("|", "\\|");
const row = (cells: readonly string[]) => `| ${cells.map(cell).join(" | ")} |`;

/** Breaks a paragraph or list item into lines. Headings stay on one line. */
function wrap(text: string): string {
  if (text.startsWith("#")) return text;
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last === undefined || last.length + word.length >= LINE_WIDTH)
      lines.push(last !== undefined && text.startsWith("- ") ? `  ${word}` : word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines.join("\n");
}

function markdown(block: Block): string {
  if (typeof block === "string")
    return block.startsWith("```") ? block : block.split("\n").map(wrap).join("\n");
  return [row(block.head), row(block.head.map(() => "---")), ...block.rows.map(row)].join("\n");
}

async function textOf(page: Page): Promise<string> {
  const rendered = await page.render();
  if (typeof rendered === "string") return rendered;
  return `${[GENERATED, ...rendered.map(markdown)].join("\n\n")}\n`;
}

async function loadPages(): Promise<Page[]> {
  const files = (await readdir(PAGES)).filter((file) => file.endsWith(".ts")).sort();
  return Promise.all(files.map((file) => import(new URL(file, PAGES).href) as Promise<Page>));
}

const { values } = parseArgs({ options: { check: { type: "boolean", default: false } } });
for (const page of await loadPages()) {
  const file = new URL(page.path, ROOT);
  const wanted = await textOf(page);
  if ((await readFile(file, "utf8").catch(() => null)) === wanted) continue;
  if (values.check) {
    console.error(`${page.path} does not match the code. Run \`npm run docs\` and commit the result.`);
    process.exitCode = 1;
  } else {
    await writeFile(file, wanted);
    console.log(`wrote ${page.path}`);
  }
}
