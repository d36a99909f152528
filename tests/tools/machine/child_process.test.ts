import { createServer } from "node:net";
import { dirname } from "node:path";
import { expect, test, vi } from "vitest";
import { isAlive, runProgram } from "#tests/support/program.ts";
import { freePort } from "#tools/machine/child_process.ts";

/** Starts a server, prints its pid and, on a line of input, stops the server. */
const PARENT = `
  import { startServer } from "#tools/machine/child_process.ts";
  const program = "console.log('pid ' + process.pid); setInterval(() => {}, 1000)";
  const server = startServer(process.execPath, ["-e", program]);
  server.process.stdout.pipe(process.stdout);
  process.stdin.once("data", () => server.stop("SIGTERM").then(() => process.exit(0)));
`;

test.each([
  ["with setpriv", process.env.PATH ?? ""],
  ["without setpriv", dirname(process.execPath)],
])("a server ends when its parent is killed, exits or stops it: %s", async (_name, PATH) => {
  for (const end of ["SIGKILL", "SIGTERM", "stop"] as const) {
    const parent = runProgram("--input-type=module", ["-e", PARENT], { PATH });
    const pid = Number((await parent.until(/pid (\d+)/))[1]);
    expect(isAlive(pid)).toBe(true);
    if (end === "stop") parent.process.stdin?.write("\n");
    else parent.process.kill(end);
    await parent.ended;
    await vi.waitFor(() => expect(isAlive(pid), end).toBe(false), { timeout: 60_000 });
  }
});

test("a free port is one that the operating system gives to no connection", async () => {
  for (const port of await Promise.all(Array.from({ length: 50 }, () => freePort()))) {
    expect(port).toBeGreaterThanOrEqual(10_000);
    expect(port).toBeLessThan(32_768);
  }
});

test("a port in use is not free", async () => {
  const from = await freePort();
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(from, "127.0.0.1", resolve));
  expect(await freePort({ from, to: from + 1 })).toBe(from + 1);
  await new Promise<void>((resolve) => server.close(() => resolve()));
});
