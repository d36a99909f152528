import { renderMermaidSVG } from "beautiful-mermaid";

/** The renderer's own colors and fonts are replaced by the theme's. */
const COLORS = {
  bg: "var(--vp-c-bg)",
  fg: "var(--vp-c-text-1)",
  accent: "var(--vp-c-brand-1)",
  muted: "var(--vp-c-text-2)",
  line: "var(--vp-c-text-2)",
  border: "var(--vp-c-text-3)",
  surface: "var(--vp-c-bg-soft)",
  transparent: true,
};

/**
 * Draws blocks of Mermaid as SVG while the site is built, so that pages need no script for them. Gives indented code the same
 * frame as fenced code.
 */
export function codeBlocks(markdown) {
  const fence = markdown.renderer.rules.fence;
  markdown.renderer.rules.fence = (tokens, index, ...rest) => {
    const { info, content } = tokens[index];
    if (info.trim() !== "mermaid") return fence(tokens, index, ...rest);
    const title = /accTitle: (.*)/.exec(content)?.[1] ?? "Diagram";
    const drawn = content.replace(/^\s*acc(?:Title|Descr): .*\n/gm, "");
    return `<figure class="diagram" role="img" tabindex="0" aria-label="${markdown.utils.escapeHtml(title)}">${toSvg(drawn)}</figure>\n`;
  };
  markdown.renderer.rules.code_block = (tokens, index, ...rest) => {
    tokens[index].info = "";
    return markdown.renderer.rules.fence(tokens, index, ...rest);
  };
}

/** The renderer's style sheet names fonts of another server, and Vue removes it from pages. `site.css` has its rules. */
function toSvg(source) {
  return renderMermaidSVG(source, COLORS)
    .replace(/<style>[\s\S]*?<\/style>/, "")
    .replace(/\n\s*/g, " ");
}
