import { execFileSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { posix } from "node:path";
import GithubSlugger from "github-slugger";
import { type MarkedToken, marked, type Token } from "marked";

/** The links and anchors of a page. Paths start at the root of the repository. */
export interface Page {
  path: string;
  /** The targets of its links and pictures, as written. */
  targets: string[];
  /** The anchors of its headings, as GitHub generates them. */
  anchors: ReadonlySet<string>;
  /** HTML tags that HTML does not have, such as a placeholder that is not in code. */
  tags: string[];
}

const KNOWN_TAGS = ["a", "br", "details", "img", "p", "picture", "source", "sub", "summary", "sup"];

/** Files of the repository, committed or untracked and not ignored. */
export function listFiles(...patterns: string[]): string[] {
  const listed = execFileSync(
    "git",
    ["ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", ...patterns],
    { encoding: "utf8" },
  );
  // git still lists a file whose removal is not committed.
  return [...new Set(listed.split("\0"))].filter((file) => file !== "" && existsSync(file)).sort();
}

/** A list of tokens with all their descendants. */
function flatten(tokens: readonly Token[]): MarkedToken[] {
  const found: MarkedToken[] = [];
  marked.walkTokens(tokens as Token[], (token) => void found.push(token as MarkedToken));
  return found;
}

const textOf = (tokens: readonly Token[]) =>
  flatten(tokens)
    .map((token) => (["text", "codespan"].includes(token.type) && !hasInner(token) ? textIn(token) : ""))
    .join("");
const hasInner = (token: MarkedToken) => "tokens" in token && Boolean(token.tokens?.length);
const textIn = (token: MarkedToken) => ("text" in token ? String(token.text) : "");

/** Reads the links, pictures and anchors of a page. Links in code are ignored. */
export function parsePage(path: string, markdown: string): Page {
  const targets: string[] = [];
  const slugger = new GithubSlugger();
  const anchors = new Set<string>();
  const tags: string[] = [];
  for (const token of flatten(marked.lexer(markdown))) {
    if (token.type === "link" || token.type === "image") targets.push(token.href);
    if (token.type === "html") {
      targets.push(...targetsOfHtml(token.text));
      const [, tag] = /^<\/?([a-z][\w-]*)/i.exec(token.text.trim()) ?? [];
      if (tag && !KNOWN_TAGS.includes(tag)) tags.push(tag);
    }
    if (token.type === "heading") anchors.add(slugger.slug(textOf(token.tokens)));
  }
  return { path, targets, anchors, tags };
}

/** The link and picture targets in HTML. */
const targetsOfHtml = (html: string) =>
  [...html.matchAll(/\s(?:href|src|srcset)="([^"]+)"/g)].map(([, target = ""]) => target);

export async function readPage(path: string): Promise<Page> {
  return parsePage(path, await readFile(path, "utf8"));
}

const isExternal = (target: string) => /^[a-z][a-z0-9+.-]*:/i.test(target);

/** The file and anchor of a link within the repository; null for an external link. */
export function resolve(page: Page, target: string): { file: string; anchor: string | null } | null {
  if (isExternal(target)) return null;
  const [path = "", anchor] = target.split("#");
  const file = path === "" ? page.path : posix.join(posix.dirname(page.path), decodeURIComponent(path));
  return { file, anchor: anchor ?? null };
}

/** The broken links of a page. @param pages every page by path */
export function brokenLinks(page: Page, pages: ReadonlyMap<string, Page>): string[] {
  return page.targets.filter((target) => {
    const at = resolve(page, target);
    if (!at) return false;
    if (!existsSync(at.file) || !statSync(at.file).isFile()) return true;
    return at.anchor !== null && !pages.get(at.file)?.anchors.has(at.anchor);
  });
}
