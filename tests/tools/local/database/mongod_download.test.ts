import { execFileSync } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { temporaryFolder } from "#tests/support/program.ts";
import { downloadMongod } from "#tools/local/database/mongod_download.ts";

const VERSION = "8.0.15";
let server: Server | undefined;
afterEach(() => {
  server?.close();
  vi.unstubAllEnvs();
});

/** Serves an archive with a stand-in for mongod over HTTPS, as MongoDB's site does. */
async function serveArchive(folder: string): Promise<void> {
  const program = join(folder, "archive", "mongodb", "bin");
  await mkdir(program, { recursive: true });
  await writeFile(join(program, "mongod"), Buffer.alloc(3_000_000, "mongod"), { mode: 0o755 });
  const run = (command: string, args: string[]) => execFileSync(command, args, { stdio: "ignore" });
  run("tar", ["-cf", join(folder, "a.tgz"), "--gzip", "-C", join(folder, "archive"), "mongodb"]);
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  run("openssl", [
    ...["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1"],
    ...["-keyout", key, "-out", cert],
  ]);
  const archive = await readFile(join(folder, "a.tgz"));
  const started = createServer(
    { key: await readFile(key), cert: await readFile(cert) },
    (_request, response) => {
      response.writeHead(200, { "content-length": archive.length });
      const half = archive.length >> 1;
      response.write(archive.subarray(0, half), () => response.end(archive.subarray(half)));
    },
  );
  server = started;
  await new Promise<void>((resolve) => started.listen(0, "127.0.0.1", resolve));
  const { port } = started.address() as AddressInfo;
  for (const name of ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"]) vi.stubEnv(name, "");
  vi.stubEnv("MONGOMS_DOWNLOAD_URL", `https://127.0.0.1:${port}/mongodb-linux-x86_64-debian12-8.0.15.tgz`);
}

test("downloads mongod once, and reports the percentage up to 100", async () => {
  await using folder = await temporaryFolder();
  await serveArchive(folder.path);
  const cache = join(folder.path, "cache");
  await mkdir(cache);
  const percents: number[] = [];
  const path = await downloadMongod(VERSION, cache, (percent) => percents.push(percent));
  expect((await readFile(path)).subarray(0, 6).toString()).toBe("mongod");
  expect(percents.length).toBeGreaterThan(2);
  expect(percents).toEqual([...percents].sort((one, other) => one - other));
  expect(percents.at(-1)).toBe(100);
  server?.close();
  percents.length = 0;
  expect(await downloadMongod(VERSION, cache, (percent) => percents.push(percent))).toBe(path);
  expect(percents).toEqual([]);
});
