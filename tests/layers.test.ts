import { readFileSync } from "node:fs";
import { posix } from "node:path";
import { expect, test } from "vitest";

import { listFiles } from "#tests/tools/docs/markdown.ts";

/**
 * The layers from the top down. A file imports files of its own entry and of the entries below it, never above it.
 * The first entry that a path begins with is the file's layer.
 */
const LAYERS = [
  "tools/docs",
  "tools/site",
  "tools/mails",
  "tools/promises",
  "tools/operator",
  "tools/faults",
  "tools/attacks",
  "tools/bench",
  "tools/deploy",
  "tools/openapi/verify",
  "tools/local",
  "tools/openapi",
  "tools/console",
  "tools/landing",
  "tools/stage",
  "tools/migrations",
  "tools/security",
  "tools/terminal",
  "tools/machine",
  "packages/client",
  "packages/stripe_double",
  "src/routes.ts",
  "src/landing",
  "src/adapters",
  "src/methods",
  "src/callbacks",
  "src/jobs",
  "src/entry",
  "src/core/parts.ts",
  "src/core/members",
  "src/core/administration",
  "src/core/webhooks",
  "src/core/personal_data",
  "src/core/identifiers",
  "src/core/factors",
  "src/core/sign_in",
  "src/core/mfa",
  "src/core/oauth",
  "src/core/passkeys",
  "src/core/verifications",
  "src/core/passwords",
  "src/core/billing",
  "src/core/news",
  "src/core/sessions",
  "src/core/messages",
  "src/core/users",
  "src/core/roles",
  "src/core/accounts",
  "src/core/keys",
  "src/core/captcha",
  "src/core/clients",
  "src/core/events",
  "src/core/core.ts",
  "src/core/parameters.ts",
  "src/core/rate_limits",
  "src/core/repositories",
  "src/core/services",
  "app",
  "src/core",
] as const;

const manifest: { imports: Record<string, string> } = JSON.parse(readFileSync("package.json", "utf8"));
const SUBPATHS = Object.entries(manifest.imports).map(
  ([name, target]) => [name.replace("*", ""), target.slice("./".length).replace("*", "")] as const,
);

/** The file that an import specifier names, or null for a package or a built-in module. */
function targetOf(file: string, specifier: string): string | null {
  if (specifier.startsWith(".")) return posix.join(posix.dirname(file), specifier);
  const subpath = SUBPATHS.find(([name]) => specifier.startsWith(name));
  return subpath ? subpath[1] + specifier.slice(subpath[0].length) : null;
}

function importsOf(file: string): string[] {
  const source = readFileSync(file, "utf8");
  const specifiers = source.matchAll(/^(?:import|export)\s[^;]*?from\s+"([^"]+)"|\bimport\("([^"]+)"\)/gm);
  return [...specifiers].flatMap(([, fixed, dynamic]) => targetOf(file, fixed ?? dynamic ?? "") ?? []);
}

const files = listFiles("app", "src", "packages", "tools").filter((file) => /\.(tsx?|js)$/.test(file));
const graph = new Map(files.map((file) => [file, importsOf(file)]));
const edges = [...graph].flatMap(([from, targets]) => targets.map((to) => ({ from, to })));
const layerOf = (file: string) => LAYERS.findIndex((layer) => file === layer || file.startsWith(`${layer}/`));

/** Every group of files that import each other in a circle (Tarjan's strongly connected components). */
function cycles(): string[][] {
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const path: string[] = [];
  const found: string[][] = [];
  const visit = (file: string) => {
    order.set(file, order.size);
    lowest.set(file, order.size - 1);
    path.push(file);
    for (const target of graph.get(file) ?? []) {
      if (!order.has(target)) visit(target);
      if (path.includes(target)) lowest.set(file, Math.min(lowest.get(file) ?? 0, lowest.get(target) ?? 0));
    }
    if (lowest.get(file) !== order.get(file)) return;
    const group = path.splice(path.indexOf(file));
    if (group.length > 1 || graph.get(file)?.includes(file)) found.push(group);
  };
  for (const file of graph.keys()) if (!order.has(file)) visit(file);
  return found;
}

test("every file of app, src, packages and tools belongs to a layer, and every layer has files", () => {
  expect(files.filter((file) => layerOf(file) < 0)).toEqual([]);
  const used = new Set(files.map(layerOf));
  expect(LAYERS.filter((_layer, index) => !used.has(index))).toEqual([]);
  console.log(`Layers, from the top down (${files.length} files, ${edges.length} imports):`);
  for (const [index, layer] of LAYERS.entries())
    console.log(`  ${layer}: ${files.filter((file) => layerOf(file) === index).length} files`);
});

test("no import runs up the layers, and none leaves them", () => {
  const up = edges.filter(({ from, to }) => layerOf(to) < layerOf(from));
  expect(up.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
});

test("src and packages import no tool", () => {
  const found = edges.filter(({ from, to }) => !from.startsWith("tools/") && to.startsWith("tools/"));
  expect(found).toEqual([]);
});

test("a package imports only its own files", () => {
  const found = edges.filter(({ from, to }) => {
    const own = /^packages\/\w+\//.exec(from)?.[0];
    return own !== undefined && !to.startsWith(own);
  });
  expect(found).toEqual([]);
});

test("no files import each other in a circle", () => {
  expect(cycles()).toEqual([]);
});

test("no file of src has more than 200 lines", () => {
  const long = files.flatMap((file) => {
    const lines = readFileSync(file, "utf8").trimEnd().split("\n").length;
    return file.startsWith("src/") && lines > 200 ? [`${file}: ${lines}`] : [];
  });
  expect(long).toEqual([]);
});
