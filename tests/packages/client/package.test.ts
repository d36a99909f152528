import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type EmptyProject, emptyProject, packed, RESOLUTIONS } from "#tests/support/empty_project.ts";
import { startTestStack, type TestStack } from "#tests/support/local_stack.ts";
import { nodesToTry } from "#tests/support/other_node.ts";
import { temporaryFolder } from "#tests/support/program.ts";
import { samplesOf } from "#tests/support/samples.ts";
import { listFiles } from "#tests/tools/docs/markdown.ts";
import { bundleClient, CLIENT_ENTRIES } from "#tools/local/client_bundle.ts";

const README = "packages/client/README.md";
const PACKAGE = fileURLToPath(new URL("../../../packages/client/", import.meta.url));
const NAME = "@getbeak/nest-client";
// Each error code has a message, and each method a row: those of second factors take 130 and 450 bytes, those of OAuth 100
// and 200, those of passkeys 80 and 120. The messages of the browser and of visits at providers take 150.
const MAX_GZIP_BYTES = { index: 7_900, messages: 5_250, react: 1_000, passkeys: 900 };
/** What the samples of the pages use without declaring it. */
const SAMPLE_GLOBALS = `
declare const nest: import("${NAME}").NestClient;
declare function askForConsent(): void;
declare function showSignIn(): void;
declare function showAccount(userId: string): void;
declare function showError(message: string): void;
declare function retryLater(): void;
declare const code: string;
declare const password: string;
/** The parts of Electron that docs/electron.md uses, since Electron is not installed. */
declare module "electron" {
  export const app: {
    getPath(name: "userData"): string;
    setAsDefaultProtocolClient(scheme: string): boolean;
    requestSingleInstanceLock(): boolean;
    quit(): void;
    on(event: "open-url", listener: (event: object, url: string) => void): void;
    on(event: "second-instance", listener: (event: object, args: string[]) => void): void;
  };
  export const dialog: { showErrorBox(title: string, content: string): void };
  export const net: { fetch(url: string, options?: RequestInit): Promise<Response> };
  export const safeStorage: { encryptString(text: string): Buffer; decryptString(stored: Buffer): string };
  export const shell: { openExternal(url: string): Promise<void> };
  export const BrowserWindow: {
    getAllWindows(): { webContents: { send(channel: string, ...values: unknown[]): void } }[];
  };
}
`;
const resolutions = Object.keys(RESOLUTIONS) as (keyof typeof RESOLUTIONS)[];
const manifest = JSON.parse(await readFile(join(PACKAGE, "package.json"), "utf8"));

describe("the bundles of the client", () => {
  test.each(CLIENT_ENTRIES)(
    "of the entry point %s have no dependency and use no API of Node",
    async (entry) => {
      const bundle = await bundleClient({ entry, minify: false });
      const found = bundle.match(/\bimport\b.*|\brequire\(|process\.|Buffer|console\./g) ?? [];
      const allowed = entry === "react" ? [expect.stringMatching(/^import \{.*\} from "react";$/)] : [];
      expect(found).toEqual(allowed);
    },
  );

  test.each(CLIENT_ENTRIES)("of the entry point %s are small", async (entry) => {
    const bytes = gzipSync(await bundleClient({ entry, minify: true })).length;
    expect(bytes).toBeLessThan(MAX_GZIP_BYTES[entry]);
  });

  test.each(CLIENT_ENTRIES)("of the entry point %s are as small as the README says", async (entry) => {
    const name = entry === "index" ? NAME : `${NAME}/${entry}`;
    const rows = (await readFile(README, "utf8"))
      .split("\n")
      .filter((line) => line.startsWith(`| \`${name}\` |`));
    expect(rows).toHaveLength(1);
    const said = Number(/under (\d+) kB \|$/.exec(rows[0] ?? "")?.[1]);
    expect(said).toBe(Math.ceil(MAX_GZIP_BYTES[entry] / 1_000));
  });

  test("mark the hooks as code of the browser, for frameworks that render on a server", async () => {
    expect(await bundleClient({ entry: "react", minify: true })).toMatch(/^"use client";/);
  });
});

describe("the packed client in an empty project", () => {
  let stack: TestStack;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let archive: string;
  let project: EmptyProject;
  beforeAll(async () => {
    stack = await startTestStack();
    folder = await temporaryFolder();
    archive = await packed("packages/client", folder.path);
    project = await emptyProject(archive);
  });
  afterAll(async () => {
    await project?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
    await stack?.[Symbol.asyncDispose]();
  });

  test("declares no dependency, and React as optional", () => {
    const { dependencies, peerDependencies, peerDependenciesMeta } = manifest;
    expect({ dependencies, peerDependencies, peerDependenciesMeta }).toEqual({
      dependencies: undefined,
      peerDependencies: { react: ">=18" },
      peerDependenciesMeta: { react: { optional: true } },
    });
  });

  test.each(nodesToTry())(
    "is installed alone and runs the example of its README on Node $version",
    async (node) => {
      await using fresh = await emptyProject(archive, [], node.path);
      expect(await fresh.packages()).toEqual([NAME]);
      const samples = await samplesOf(join(PACKAGE, "README.md"));
      const example = samples.find(({ language }) => language === "js")?.code ?? "";
      const lines = example.split("\n").filter((line) => line !== "" && !line.startsWith("//"));
      expect(lines.length).toBeLessThanOrEqual(10);
      expect(example).toContain("http://localhost:3000");
      const program = example.replaceAll("http://localhost:3000", stack.api.url);
      expect(await fresh.runFile("example.js", program)).toContain("identifier_value: 'ada@example.com'");
      const sentence = `import { messageOf } from "${NAME}/messages"; console.log(messageOf({ kind: "aborted" }));`;
      expect(await fresh.runFile("sentence.js", sentence)).toBe("This was canceled.\n");
    },
  );

  test.each(nodesToTry())("renders its React hooks on a server on Node $version", async (node) => {
    await using fresh = await emptyProject(archive, ["react", "react-dom"], node.path);
    const program = `import { createElement } from "react";
      import { renderToString } from "react-dom/server";
      import { NestClient } from "${NAME}";
      import { useSession } from "${NAME}/react";
      const nest = new NestClient({ url: "http://nest.test", clientId: "c", redirectUri: "r" });
      const Status = () => createElement("p", null, useSession(nest).status);
      console.log(renderToString(createElement(Status)));`;
    expect(await fresh.runFile("server.js", program)).toBe("<p>loading</p>\n");
  });

  test("contains its license, its changelog with its version, and only built code", async () => {
    const at = (name: string) => join(project.path, "node_modules", NAME, name);
    expect(await readFile(at("LICENSE"), "utf8")).toMatch(/^MIT License\n/);
    expect(await readFile(at("CHANGELOG.md"), "utf8")).toContain(`\n## ${manifest.version}\n`);
    await expect(readFile(at("src/index.ts"))).rejects.toThrow("ENOENT");
    for (const file of await readdir(at("dist")))
      expect(await readFile(at(`dist/${file}`), "utf8"), file).not.toMatch(/\.ts"/);
  });

  // The fixture marks lines that must not compile. The compiler rejects a mark on a line that compiles.
  test.each(resolutions)(
    "has types that a strict program can rely on, with the resolution %s",
    async (resolution) => {
      const fixture = (await readFile(new URL("./types.fixture.ts", import.meta.url), "utf8")).replace(
        "#client/index.ts",
        NAME,
      );
      const more = ["--types", "", "--lib", "es2022,dom"];
      await project.compile({ "types.ts": fixture }, resolution, more);
      const wrong = fixture.replaceAll("// @ts-expect-error", "//");
      await expect(project.compile({ "types.ts": wrong }, resolution, more)).rejects.toThrow(/error TS/);
    },
  );

  test.each(resolutions)(
    "compiles every sample on the pages of this repository, with the resolution %s",
    async (resolution) => {
      await using strict = await emptyProject(archive);
      await strict.link("react", "@types/react", "csstype", "@types/node", "undici-types");
      const files: Record<string, string> = {
        "samples.d.ts": SAMPLE_GLOBALS,
      };
      for (const page of listFiles("*.md")) {
        for (const [index, { language, code }] of (await samplesOf(page)).entries()) {
          // `export {}` makes a sample without imports a module.
          if (language !== "js" && (page === README || code.includes(NAME) || /\bnest\./.test(code)))
            files[`${page.replaceAll(/\W/g, "_")}_${index}.${language}`] = `${code}\nexport {};\n`;
        }
      }
      expect(Object.keys(files).length).toBeGreaterThan(7);
      await strict.compile(files, resolution, [
        "--jsx",
        "react-jsx",
        "--types",
        "react,node",
        "--lib",
        "es2022,dom",
      ]);
    },
  );
});
