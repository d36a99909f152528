import { rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test, vi } from "vitest";
import { freshDatabaseUri } from "#tests/support/database.ts";
import { temporaryFolder } from "#tests/support/program.ts";
import { openReloadingGateway } from "#tools/local/reloading_gateway.ts";
import { localEnvironment, makeSecrets } from "#tools/local/secrets.ts";

const health = { method: "GET", path: "/health", headers: {}, ip: "127.0.0.1" };

async function open(environment: Record<string, string> = {}) {
  const folder = await temporaryFolder();
  const said: string[] = [];
  const written: string[] = [];
  const local = localEnvironment(await makeSecrets(), {
    issuer: "http://localhost",
    mongoUri: freshDatabaseUri(),
    sesUrl: "http://127.0.0.1:1",
    stripe: { url: "http://127.0.0.1:1", secretKey: "sk_test_double", webhookSecret: "whsec_double" },
  });
  const gateway = await openReloadingGateway(
    { ...local, ...environment },
    { write: (line) => written.push(line), say: (line) => said.push(line), folder: folder.path },
  ).catch(async (error: unknown) => {
    await folder[Symbol.asyncDispose]();
    throw error;
  });
  return {
    gateway,
    said,
    written,
    folder: folder.path,
    async [Symbol.asyncDispose]() {
      await gateway.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

test("calls go through real handlers in a thread, and their log lines come back", async () => {
  await using stack = await open();
  expect(await stack.gateway.invoke(health)).toMatchObject({ statusCode: 200, body: '{"status":"ok"}' });
  await stack.gateway.invoke({ ...health, path: "/nowhere" });
  await vi.waitFor(() => expect(stack.written.join()).toContain('"code":"not_found"'));
});

test("changed source is loaded, and no call made meanwhile fails", async () => {
  await using stack = await open();
  const file = join(stack.folder, "a.ts");
  await writeFile(file, "export {};");
  const answers: unknown[] = [];
  while (!stack.said.includes("Reloaded: a.ts")) {
    answers.push((await stack.gateway.invoke(health)).statusCode);
  }
  answers.push((await stack.gateway.invoke(health)).statusCode);
  expect(new Set(answers)).toEqual(new Set([200]));
});

test("what is no source of a function loads nothing", async () => {
  await using stack = await open();
  await writeFile(join(stack.folder, "notes.txt"), "words");
  await writeFile(join(stack.folder, "b.ts"), "export {};");
  await utimes(join(stack.folder, "notes.txt"), 1, 1);
  await vi.waitFor(() => expect(stack.said).toEqual(["Reloaded: b.ts"]), { timeout: 30_000 });
});

test("a call that crashes its function is one failed call", async () => {
  await using stack = await open();
  const broken = { ...health, headers: null as unknown as Record<string, string> };
  await expect(stack.gateway.invoke(broken)).rejects.toThrow("the function crashed");
  expect((await stack.gateway.invoke(health)).statusCode).toBe(200);
});

test("a crashed thread that can't be replaced is said so, and the next change that loads heals it", async () => {
  await using folder = await temporaryFolder();
  const broken = join(folder.path, "broken");
  const worker = join(folder.path, "worker.mjs");
  await writeFile(
    worker,
    `import { existsSync, writeFileSync } from "node:fs";
    import { parentPort } from "node:worker_threads";
    if (existsSync(${JSON.stringify(broken)})) throw new Error("it does not load");
    parentPort.on("message", () => {
      writeFileSync(${JSON.stringify(broken)}, "");
      throw new Error("boom");
    });
    parentPort.postMessage({ kind: "ready" });`,
  );
  const said: string[] = [];
  const gateway = await openReloadingGateway(
    {},
    {
      write: () => undefined,
      say: (line) => said.push(line),
      folder: folder.path,
      worker: pathToFileURL(worker),
    },
  );
  await expect(gateway.invoke(health)).rejects.toThrow("boom");
  await vi.waitFor(() =>
    expect(said).toEqual([
      "A function crashed and can't be loaded again, so every call fails: it does not load",
    ]),
  );
  await rm(broken);
  await writeFile(join(folder.path, "mended.ts"), "export {};");
  await vi.waitFor(() => expect(said.at(-1)).toBe("Reloaded: mended.ts"), { timeout: 30_000 });
  await gateway.close();
});

test("an environment that is not usable is an error that names what is wrong", async () => {
  await expect(open({ ISSUER: "no url", SIGNING_KEYS: "{}" })).rejects.toThrow("ISSUER, SIGNING_KEYS");
});
