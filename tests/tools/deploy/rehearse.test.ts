import { spawn } from "node:child_process";
import { readdir } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { descendants, isAlive, temporaryFolder } from "#tests/support/program.ts";
import { onPath } from "#tools/machine/child_process.ts";

/** moto and the framework's Python environment are installed at first use. */
const LIMIT_MS = 300_000;

/** Starts `nest deploy rehearse` in a process group of its own, as a terminal does, with its own temporary folder. */
async function startRehearse() {
  const folder = await temporaryFolder();
  const child = spawn(process.execPath, ["tools/operator/nest.ts", "deploy", "rehearse"], {
    env: { ...process.env, TMPDIR: folder.path },
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let printed = "";
  const grown = new EventTarget();
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      printed += chunk.toString();
      grown.dispatchEvent(new Event("line"));
    });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  const pid = child.pid ?? 0;
  return {
    pid,
    folder,
    until: (pattern: RegExp) =>
      new Promise<void>((resolve, reject) => {
        const look = () => pattern.test(printed) && resolve();
        grown.addEventListener("line", look);
        look();
        void ended.then(() => reject(new Error(printed)));
      }),
    ended: ended.then((status) => ({ status, printed })),
  };
}

describe.skipIf(process.platform !== "linux" || onPath("python3") === null)("nest deploy rehearse", () => {
  test.each([
    ["Ctrl-C, which the whole process group gets", -1, "SIGINT"],
    ["SIGTERM, which only the program gets", 1, "SIGTERM"],
  ] as const)(
    "after %s, exits with status 130 and leaves no process and no file",
    async (_case, sign, signal) => {
      const rehearse = await startRehearse();
      await rehearse.until(/Ctrl-C here removes everything/);
      const started = await descendants(rehearse.pid);
      expect(started.length).toBeGreaterThan(0);
      process.kill(sign * rehearse.pid, signal);
      const { status, printed } = await rehearse.ended;
      expect({ status, printed }).toEqual({
        status: 130,
        printed: expect.stringMatching(/Everything is stopped and removed\.\n$/),
      });
      expect(printed).not.toMatch(/^\s+at /m);
      expect(started.filter(isAlive)).toEqual([]);
      expect(await readdir(rehearse.folder.path)).toEqual([]);
      await rehearse.folder[Symbol.asyncDispose]();
    },
    LIMIT_MS,
  );

  test(
    "interrupted while it starts, exits with status 130 and leaves no process and no file",
    async () => {
      const rehearse = await startRehearse();
      // The first entry is the copy of the repository.
      while ((await readdir(rehearse.folder.path)).length === 0) await new Promise(setImmediate);
      process.kill(-rehearse.pid, "SIGINT");
      const { status, printed } = await rehearse.ended;
      expect({ status, printed }).toEqual({
        status: 130,
        printed: expect.stringMatching(/Everything is stopped and removed\.\n$/),
      });
      expect(await descendants(rehearse.pid)).toEqual([]);
      expect(await readdir(rehearse.folder.path)).toEqual([]);
      await rehearse.folder[Symbol.asyncDispose]();
    },
    LIMIT_MS,
  );
});
