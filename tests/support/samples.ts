import { readFile } from "node:fs/promises";

/** A code sample of a page. */
export interface Sample {
  language: "js" | "ts" | "tsx";
  code: string;
}

/** The samples of a Markdown page in JavaScript and TypeScript, in order. */
export async function samplesOf(page: string | URL): Promise<Sample[]> {
  const text = await readFile(page, "utf8");
  return [...text.matchAll(/^```(js|tsx?)\b[^\n]*\n([\s\S]*?)^```$/gm)].map(([, language, code = ""]) => ({
    language: language as Sample["language"],
    code,
  }));
}
