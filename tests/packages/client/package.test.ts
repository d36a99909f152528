import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestStack, type TestStack } from "#tests/support/local_stack.ts";
import { temporaryFolder } from "#tests/support/program.ts";
import { bundleClient } from "#tools/local/client_bundle.ts";
import { run } from "#tools/machine/child_process.ts";

const PACKAGE = fileURLToPath(new URL("../../../packages/client/", import.meta.url));
const MAX_BYTES = 12_000;
const compiler = join(
  dirname(createRequire(import.meta.url).resolve("typescript/package.json")),
  "bin",
  "tsc",
);

describe("the published package", () => {
  let stack: TestStack;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  beforeAll(async () => {
    stack = await startTestStack();
    folder = await temporaryFolder();
    await run("npm", ["pack", "--pack-destination", folder.path], { cwd: PACKAGE });
    const installed = join(folder.path, "node_modules", "@getbeak", "nest-client");
    await mkdir(installed, { recursive: true });
    await run("tar", [
      "-xzf",
      join(folder.path, "getbeak-nest-client-0.1.0.tgz"),
      "--strip-components=1",
      "-C",
      installed,
    ]);
    await writeFile(join(folder.path, "package.json"), '{"type":"module"}');
  });
  afterAll(async () => {
    await folder?.[Symbol.asyncDispose]();
    await stack?.[Symbol.asyncDispose]();
  });

  const runFile = async (name: string, content: string) => {
    const file = join(folder.path, name);
    await writeFile(file, content);
    return run(process.execPath, [file], { cwd: folder.path });
  };

  test("has no dependencies and uses no API of Node", async () => {
    const manifest = JSON.parse(await readFile(join(PACKAGE, "package.json"), "utf8"));
    expect({ dependencies: manifest.dependencies, peerDependencies: manifest.peerDependencies }).toEqual({
      dependencies: undefined,
      peerDependencies: undefined,
    });
    const bundle = await bundleClient({ minify: false });
    expect(bundle.match(/\bimport\b.*|\brequire\(|process\.|Buffer|console\./g)).toBeNull();
  });

  test(`has at most ${MAX_BYTES} bytes, minified`, async () => {
    expect((await bundleClient({ minify: true })).length).toBeLessThan(MAX_BYTES);
  });

  test("has a README example of at most ten lines that signs in", async () => {
    const readme = await readFile(join(PACKAGE, "README.md"), "utf8");
    const [, example = ""] = /```js\n([\s\S]*?)```/.exec(readme) ?? [];
    expect(
      example.split("\n").filter((line) => line !== "" && !line.startsWith("//")).length,
    ).toBeLessThanOrEqual(10);
    expect(example).toContain("http://localhost:3000");
    const printed = await runFile("example.js", example.replaceAll("http://localhost:3000", stack.api.url));
    expect(printed).toContain("identifier_value: 'ada@example.com'");
  });

  // The fixture marks lines that must not compile. The compiler rejects a mark on a line that compiles.
  test("has types with which a program can handle every error of a method and no other", async () => {
    const fixture = await readFile(new URL("./types.fixture.ts", import.meta.url), "utf8");
    await writeFile(
      join(folder.path, "types.ts"),
      fixture.replace("#client/index.ts", "@getbeak/nest-client"),
    );
    const strict = ["--noEmit", "--strict", "--types", "", "--lib", "es2022,dom", "--target", "es2022"];
    const check = (...more: string[]) =>
      run(process.execPath, [compiler, ...strict, "--module", "nodenext", ...more, "types.ts"], {
        cwd: folder.path,
      });
    await check();
    const wrong = fixture.replaceAll("// @ts-expect-error", "//");
    await writeFile(join(folder.path, "types.ts"), wrong.replace("#client/index.ts", "@getbeak/nest-client"));
    await expect(check()).rejects.toThrow(/error TS/);
  });
});
