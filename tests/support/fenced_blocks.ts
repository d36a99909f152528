import { readFile } from "node:fs/promises";

/** The code blocks of a Markdown page with their languages, in order. */
export async function fencedBlocks(page: string): Promise<{ language: string; code: string }[]> {
  const text = await readFile(page, "utf8");
  return [...text.matchAll(/^```(\w+)[^\n]*\n([\s\S]*?)^```$/gm)].map(([, language = "", code = ""]) => ({
    language,
    code,
  }));
}
