import { dirname, posix, relative } from "node:path";
import { sitePath } from "./pages.ts";

/** The parts of markdown-it that this file uses. */
interface Token {
  type: string;
  tag: string;
  content: string;
  nesting: number;
  children: Token[] | null;
  attrGet(name: string): string | null;
  attrSet(name: string, value: string): void;
}
interface State {
  tokens: Token[];
  /** `realPath` is the path of the file, `path` the path that the site gives it. */
  env: { path: string; realPath?: string };
}
interface Markdown {
  core: { ruler: { push(name: string, rule: (state: State) => void): void } };
}

/** The anchor of a heading as Git hosts make it, so that a link works in both places. */
export function slugify(heading: string): string {
  return heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, "")
    .replaceAll(" ", "-");
}

const isExternal = (href: string) => /^(?:[a-z][a-z0-9+.-]*:|#|\/)/i.test(href);

/**
 * The target on the site of a link between files of the repository.
 * @param file the file with the link, from the root of the repository
 * @param assets files that the site has in addition to its pages
 * @returns null if the site does not have the target, such as a source file
 */
export function siteTarget(file: string, href: string, assets: readonly string[]): string | null {
  if (isExternal(href)) return href;
  const [path = "", anchor] = href.split("#");
  const target = posix.join(dirname(file), decodeURIComponent(path));
  if (assets.includes(target)) return `/${posix.basename(target)}`;
  const page = sitePath(target);
  return page && `/${page}${anchor === undefined ? "" : `#${anchor}`}`;
}

/**
 * A plugin of markdown-it that makes links between files of the repository lead to pages of the site. A link to a file that
 * the site does not have becomes text.
 */
export function siteLinks(
  markdown: Markdown,
  { root, assets }: { root: string; assets: readonly string[] },
): void {
  markdown.core.ruler.push("site_links", ({ tokens, env }) => {
    const file = relative(root, env.realPath ?? env.path);
    for (const { children } of tokens) rewriteLinks(children ?? [], file, assets);
  });
}

function rewriteLinks(tokens: readonly Token[], file: string, assets: readonly string[]): void {
  let isDropped = false;
  for (const token of tokens) {
    if (token.type === "link_close" && isDropped) dropTag(token);
    if (token.type !== "link_open") continue;
    const target = siteTarget(file, token.attrGet("href") ?? "", assets);
    isDropped = target === null;
    if (target === null) dropTag(token);
    else token.attrSet("href", target);
  }
}

function dropTag(token: Token): void {
  Object.assign(token, { type: "text", tag: "", content: "", nesting: 0 });
}
