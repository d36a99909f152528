import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { runProgram, temporaryFolder } from "#tests/support/program.ts";

type Advisories = Record<string, object[]>;
let close = async () => {};
afterEach(() => close());

/** A registry that knows these advisories, or none of the service. */
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
  // npm remembers advisories.
  await using cache = await temporaryFolder();
  return await runProgram("tools/security/audit.ts", [], {
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

test("an advisory on a deployed package fails the audit, however small; one on a tool only if it is grave", async () => {
  const deployed = await audit({ jose: [advisory("low")] });
  expect(deployed.status).toBe(1);
  expect(deployed.printed).toContain("low: jose, deployed (https://advisories.example/GHSA-0)");
  await close();
  const small = await audit({ knip: [advisory("moderate")] });
  expect({ status: small.status, printed: small.printed }).toEqual({
    status: 0,
    printed: expect.stringMatching(/^No advisory/),
  });
  await close();
  const grave = await audit({ knip: [advisory("critical")] });
  expect(grave.status).toBe(1);
  expect(grave.printed).toContain("critical: knip, installed");
});

test("a registry without advisories on us passes; one that answers no audits is said plainly", async () => {
  const clean = await audit({});
  expect({ status: clean.status, printed: clean.printed }).toEqual({
    status: 0,
    printed: expect.stringMatching(/^No advisory/),
  });
  await close();
  const mute = await audit(null);
  expect({ status: mute.status, printed: mute.printed }).toEqual({
    status: 0,
    printed: expect.stringMatching(/^Dependencies were NOT audited/),
  });
});
