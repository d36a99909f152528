import { execFileSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { posix } from "node:path";
import GithubSlugger from "github-slugger";
import { type MarkedToken, marked, type Token } from "marked";

/** A page of the repository, as far as links are about it. Paths are from the root. */
export interface Page {
  path: string;
  /** What stands in its links and pictures, as written. */
  targets: string[];
  /** Its headings' anchors, as GitHub makes them. */
  anchors: ReadonlySet<string>;
}

/** Files of the repository, committed or about to be. */
export function listFiles(...patterns: string[]): string[] {
  const listed = execFileSync(
    "git",
    ["ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", ...patterns],
    { encoding: "utf8" },
  );
  // A file that was removed and not yet committed is listed still.
  return [...new Set(listed.split("\0"))].filter((file) => file !== "" && existsSync(file)).sort();
}

/** What is under a token, itself included. */
function within(tokens: readonly Token[]): MarkedToken[] {
  const found: MarkedToken[] = [];
  marked.walkTokens(tokens as Token[], (token) => void found.push(token as MarkedToken));
  return found;
}

const textOf = (tokens: readonly Token[]) =>
  within(tokens)
    .map((token) => (["text", "codespan"].includes(token.type) && !hasInner(token) ? textIn(token) : ""))
    .join("");
const hasInner = (token: MarkedToken) => "tokens" in token && Boolean(token.tokens?.length);
const textIn = (token: MarkedToken) => ("text" in token ? String(token.text) : "");

/** Reads a page's links, pictures and anchors; what stands in code is none. */
export function parsePage(path: string, markdown: string): Page {
  const targets: string[] = [];
  const slugger = new GithubSlugger();
  const anchors = new Set<string>();
  for (const token of within(marked.lexer(markdown))) {
    if (token.type === "link" || token.type === "image") targets.push(token.href);
    if (token.type === "html") targets.push(...named(token.text));
    if (token.type === "heading") anchors.add(slugger.slug(textOf(token.tokens)));
  }
  return { path, targets, anchors };
}

/** What HTML in a page leads to. */
const named = (html: string) =>
  [...html.matchAll(/\s(?:href|src|srcset)="([^"]+)"/g)].map(([, target = ""]) => target);

export async function readPage(path: string): Promise<Page> {
  return parsePage(path, await readFile(path, "utf8"));
}

const isElsewhere = (target: string) => /^[a-z][a-z0-9+.-]*:/i.test(target);

/** The file of a link that stays in the repository, and the anchor in it; null for one that leads elsewhere. */
export function resolve(page: Page, target: string): { file: string; anchor: string | null } | null {
  if (isElsewhere(target)) return null;
  const [path = "", anchor] = target.split("#");
  const file = path === "" ? page.path : posix.join(posix.dirname(page.path), decodeURIComponent(path));
  return { file, anchor: anchor ?? null };
}

/** What is wrong with a page's links. @param pages every page by path */
export function brokenLinks(page: Page, pages: ReadonlyMap<string, Page>): string[] {
  return page.targets.filter((target) => {
    const at = resolve(page, target);
    if (!at) return false;
    if (!existsSync(at.file) || !statSync(at.file).isFile()) return true;
    return at.anchor !== null && !pages.get(at.file)?.anchors.has(at.anchor);
  });
}
