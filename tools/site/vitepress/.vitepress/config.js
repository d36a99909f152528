import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitepress";
import { siteLinks, slugify } from "../../links.ts";
import { GROUPS, sitePath } from "../../pages.ts";
import { codeBlocks } from "../code_blocks.js";
import { HOME } from "../home.js";

const ROOT = fileURLToPath(new URL("../../../../", import.meta.url));
const SITE = fileURLToPath(new URL("../", import.meta.url));
const OPENAPI = "docs/openapi.json";

/** Replaces a component of the theme by one of this folder. */
const replaced = (name, file) => ({
  find: new RegExp(`^.*/${name}\\.vue$`),
  replacement: fileURLToPath(new URL(`theme/${file}`, import.meta.url)),
});

/** Pages are outside the folder that has Vue. While pages are rendered, Node finds it from this folder. */
const vueOfThisFolder = {
  name: "nest:vue",
  enforce: "pre",
  resolveId: (id, _importer, { ssr }) =>
    ssr && ["vue", "vue/server-renderer"].includes(id) ? { id, external: true } : null,
};

/** Adds the OpenAPI document to the site. */
const openApiFile = {
  name: "nest:openapi",
  configureServer(server) {
    server.middlewares.use("/openapi.json", async (_request, response) => {
      response.setHeader("content-type", "application/json");
      response.end(await readFile(`${ROOT}${OPENAPI}`));
    });
  },
  async generateBundle() {
    this.emitFile({
      type: "asset",
      fileName: "openapi.json",
      source: await readFile(`${ROOT}${OPENAPI}`, "utf8"),
    });
  },
};

const link = (file) =>
  `/${sitePath(file)
    .replace(/index\.md$/, "")
    .replace(/\.md$/, ".html")}`;
const item = ([text, file]) => ({ text, link: link(file) });

export default defineConfig({
  title: "Nest",
  description: "Signs users in with magic links and sells them subscriptions through Stripe.",
  lang: "en-US",
  srcDir: ROOT,
  outDir: `${SITE}dist`,
  cacheDir: `${SITE}node_modules/.vitepress`,
  // Every page that `sitePath` does not know.
  srcExclude: [
    "{app,deploy,src,tests,tools,coverage,.ci,.github}/**",
    "!(README|CHANGELOG|CONTRIBUTING|SECURITY).md",
    "packages/*/!(README).md",
    "packages/*/{src,dist}/**",
  ],
  rewrites: sitePath,
  ignoreDeadLinks: "localhostLinks",
  head: [["link", { rel: "icon", href: "data:," }]],
  markdown: {
    anchor: { slugify },
    // The default themes fall short of the contrast of 4.5.
    theme: { light: "github-light-high-contrast", dark: "github-dark-high-contrast" },
    config(markdown) {
      markdown.use(siteLinks, { root: ROOT, assets: [OPENAPI] });
      markdown.use(codeBlocks);
    },
  },
  transformPageData: ({ relativePath }) => (relativePath === "index.md" ? { frontmatter: HOME } : undefined),
  themeConfig: {
    nav: [
      { text: "Start", link: "/start" },
      { text: "Concepts", link: "/concepts" },
      { text: "Methods", link: "/methods" },
      { text: "Questions", link: "/faq" },
    ],
    sidebar: GROUPS.map(({ title, pages, isCollapsed = false }) => ({
      text: title,
      collapsed: isCollapsed,
      items: pages.map(item),
    })),
    outline: [2, 3],
    search: { provider: "local" },
    docFooter: { prev: "Previous", next: "Next" },
  },
  vite: {
    plugins: [vueOfThisFolder, openApiFile],
    publicDir: false,
    // The index of the search is one file.
    build: { target: "es2022", chunkSizeWarningLimit: 2000 },
    resolve: {
      alias: [replaced("VPHome", "home_page.vue"), replaced("VPSidebarItem", "sidebar_item.vue")],
    },
  },
});
