import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { runProgram, temporaryFolder } from "#tests/support/program.ts";

type Advisories = Record<string, object[]>;
let close = async () => {};
afterEach(() => close());

/** A registry with these advisories; null: it does not support audits. */
async function registry(advisories: Advisories | null): Promise<string> {
  const server = createServer((request, response) => {
    const isBulk = request.url?.endsWith("/-/npm/v1/security/advisories/bulk");
    const status = !isBulk ? 404 : advisories === null ? 405 : 200;
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(advisories ?? {}));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

const audit = async (advisories: Advisories | null) => {
  // npm caches advisories.
  await using cache = await temporaryFolder();
  return await runProgram("tools/security/main.ts", ["--only", "advisories"], {
    npm_config_registry: await registry(advisories),
    npm_config_cache: cache.path,
    npm_config_fetch_retries: "0",
  }).ended;
};
const advisory = (severity: string) => ({
  id: 1,
  url: "https://advisories.example/GHSA-0",
  title: "Something",
  severity,
  vulnerable_versions: "*",
});

test("fails for any advisory on a deployed package, and for a critical one on a development tool", async () => {
  const deployed = await audit({ jose: [advisory("low")] });
  expect(deployed.status).toBe(1);
  expect(deployed.printed).toContain("low: jose, deployed (https://advisories.example/GHSA-0)");
  await close();
  const moderate = await audit({ knip: [advisory("moderate")] });
  expect({ status: moderate.status, printed: moderate.printed }).toEqual({
    status: 0,
    printed: expect.stringMatching(/^No advisories/),
  });
  await close();
  const critical = await audit({ knip: [advisory("critical")] });
  expect(critical.status).toBe(1);
  expect(critical.printed).toContain("critical: knip, installed");
});

test("passes without advisories, and reports a registry that does not support audits", async () => {
  const clean = await audit({});
  expect({ status: clean.status, printed: clean.printed }).toEqual({
    status: 0,
    printed: expect.stringMatching(/^No advisories/),
  });
  await close();
  const unanswered = await audit(null);
  expect({ status: unanswered.status, printed: unanswered.printed }).toEqual({
    status: 0,
    printed: expect.stringMatching(/^Dependencies were NOT audited/),
  });
});
