import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import GithubSlugger from "github-slugger";
import { Marked, type Tokens } from "marked";
import { escapeHtml } from "#core/escape_html.ts";
import type { ServedFile } from "#tools/local/generated_files.ts";

const ROOT = new URL("../../", import.meta.url);
export const GUIDE = "/guide/";
/** The repository's pages and their pictures and data. No name contains a second dot, so no path leaves the repository. */
const FILES = /^(?:[A-Z]+\.md|(?:docs|packages\/\w+)\/[\w/]+\.(?:md|svg|json))$/;

const TYPES: Readonly<Record<string, string>> = {
  ".md": "text/html; charset=utf-8",
  ".svg": "image/svg+xml",
  ".json": "application/json",
};

/** A file of the documentation by its path, such as `/guide/docs/start.md`. Markdown is returned as a page. */
export async function readGuide(path: string): Promise<ServedFile | null> {
  const name = path.slice(GUIDE.length);
  if (!FILES.test(name)) return null;
  const content = await readFile(new URL(name, ROOT), "utf8").catch(() => null);
  if (content === null) return null;
  const extension = extname(name);
  return { type: TYPES[extension] ?? "", content: extension === ".md" ? renderPage(content) : content };
}

function renderPage(markdown: string): string {
  const slugger = new GithubSlugger();
  let title = "Documentation";
  const marked = new Marked({
    renderer: {
      heading({ tokens, text, depth }: Tokens.Heading) {
        if (depth === 1) title = text;
        return `<h${depth} id="${slugger.slug(text)}">${this.parser.parseInline(tokens)}</h${depth}>\n`;
      },
      code: ({ text }: Tokens.Code) => `<pre tabindex="0"><code>${escapeHtml(text)}</code></pre>\n`,
    },
  });
  const body = marked
    .parse(markdown, { async: false })
    .replaceAll("<table>", '<div class="scrolls" tabindex="0" role="region" aria-label="Table"><table>')
    .replaceAll("</table>", "</table></div>");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)} (Nest)</title>
<link rel="icon" href="/assets/logo.svg">
<link rel="stylesheet" href="/assets/page.css">
<link rel="stylesheet" href="/assets/parts.css">
<link rel="stylesheet" href="/assets/guide.css">
<link rel="stylesheet" href="/assets/app.css">
</head>
<body>
<header>
  <p class="brand"><img src="/assets/logo.svg" width="28" height="28" alt=""> Nest <span class="quiet">documentation</span></p>
  <nav aria-label="Nest"><a href="/">Local page</a> <a href="${GUIDE}docs/README.md">Contents</a> <a href="/docs">API reference</a></nav>
</header>
<main>${body}</main>
</body>
</html>
`;
}
