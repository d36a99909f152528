import { rename, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test, vi } from "vitest";
import { freshDatabaseUri } from "#tests/support/database.ts";
import { temporaryFolder } from "#tests/support/program.ts";
import { openReloadingGateway } from "#tools/local/reloading_gateway.ts";
import { localEnvironment, makeSecrets } from "#tools/local/secrets.ts";

/** For a busy machine. */
const WAIT = { timeout: 60_000 };
const health = { method: "GET", path: "/health", headers: {}, ip: "127.0.0.1" };

async function open(environment: Record<string, string> = {}) {
  const folder = await temporaryFolder();
  const printed: string[] = [];
  const written: string[] = [];
  const local = localEnvironment(await makeSecrets(), {
    issuer: "http://localhost",
    mongoUri: freshDatabaseUri(),
    sesUrl: "http://127.0.0.1:1",
    stripe: { url: "http://127.0.0.1:1", secretKey: "sk_test_double", webhookSecret: "whsec_double" },
  });
  const gateway = await openReloadingGateway(
    { ...local, ...environment },
    { write: (line) => written.push(line), say: (line) => printed.push(line), folders: [folder.path] },
  ).catch(async (error: unknown) => {
    await folder[Symbol.asyncDispose]();
    throw error;
  });
  return {
    gateway,
    printed,
    written,
    folder: folder.path,
    async [Symbol.asyncDispose]() {
      await gateway.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

test("runs the handlers in a worker thread and passes on their log lines", async () => {
  await using stack = await open();
  expect(await stack.gateway.invoke(health)).toMatchObject({ statusCode: 200, body: '{"status":"ok"}' });
  await stack.gateway.invoke({ ...health, path: "/nowhere" });
  await vi.waitFor(() => expect(stack.written.join()).toContain('"code":"not_found"'), WAIT);
});

test("loads changed source without failing a call meanwhile", async () => {
  await using stack = await open();
  const file = join(stack.folder, "a.ts");
  await writeFile(file, "export {};");
  const answers: unknown[] = [];
  while (!stack.printed.includes("Reloaded: a.ts")) {
    answers.push((await stack.gateway.invoke(health)).statusCode);
  }
  answers.push((await stack.gateway.invoke(health)).statusCode);
  expect(new Set(answers)).toEqual(new Set([200]));
});

test("loads each change of an editor that replaces the file", async () => {
  await using stack = await open();
  for (const change of ["1", "2", "3"]) {
    await writeFile(join(stack.folder, "draft"), `export const change = ${change};`);
    await rename(join(stack.folder, "draft"), join(stack.folder, "a.ts"));
    const expected = Array.from({ length: Number(change) }, () => "Reloaded: a.ts");
    await vi.waitFor(() => expect(stack.printed).toEqual(expected), WAIT);
  }
});

test("does not reload for a file that is not TypeScript", async () => {
  await using stack = await open();
  await writeFile(join(stack.folder, "notes.txt"), "words");
  await writeFile(join(stack.folder, "b.ts"), "export {};");
  await utimes(join(stack.folder, "notes.txt"), 1, 1);
  await vi.waitFor(() => expect(stack.printed).toEqual(["Reloaded: b.ts"]), WAIT);
});

test("fails only the call that crashes its function", async () => {
  await using stack = await open();
  const broken = { ...health, headers: null as unknown as Record<string, string> };
  await expect(stack.gateway.invoke(broken)).rejects.toThrow("the function crashed");
  expect((await stack.gateway.invoke(health)).statusCode).toBe(200);
});

test("reports a crashed thread that can't be replaced, and recovers with the next change that loads", async () => {
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
  const printed: string[] = [];
  const gateway = await openReloadingGateway(
    {},
    {
      write: () => undefined,
      say: (line) => printed.push(line),
      folders: [folder.path],
      worker: pathToFileURL(worker),
    },
  );
  await expect(gateway.invoke(health)).rejects.toThrow("boom");
  await vi.waitFor(
    () =>
      expect(printed).toEqual([
        "A function crashed and can't be loaded again, so every call fails until it loads: it does not load",
      ]),
    WAIT,
  );
  await rm(broken);
  await writeFile(join(folder.path, "fixed.ts"), "export {};");
  await vi.waitFor(() => expect(printed.at(-1)).toBe("Reloaded: fixed.ts"), WAIT);
  await gateway.close();
});

test("rejects an invalid environment with the names of the invalid variables", async () => {
  await expect(open({ ISSUER: "no url", SIGNING_KEYS: "{}" })).rejects.toThrow("ISSUER, SIGNING_KEYS");
});
