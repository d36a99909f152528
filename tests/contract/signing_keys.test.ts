import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import * as oauth from "oauth4webapi";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseKeySet } from "#core/keys/signing_keys.ts";
import { appWithLifetime } from "#tests/support/app.ts";
import { MAC, startNest, type TestNest, type Tokens, V2 } from "#tests/support/nest.ts";

const HOUR = 3600;
const DAY = 24 * HOUR;
const run = promisify(execFile);

describe("signing keys, through the documented commands", () => {
  let folder: string;
  let file: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "nest-keys-"));
    file = join(folder, "keys.json");
  });
  afterAll(() => rm(folder, { recursive: true }));

  const keys = async () => parseKeySet(JSON.parse(await readFile(file, "utf8")));
  const command = async (action: string, now: Date) => {
    const args = [
      "--silent",
      "run",
      "nest",
      "--",
      "keys",
      action,
      "--file",
      file,
      "--now",
      now.toISOString(),
    ];
    // Only with a local STAGE can a test set the time.
    return (await run("npm", args, { env: { ...process.env, STAGE: "local" } })).stdout;
  };
  const works = async (nest: TestNest, tokens: Tokens) =>
    (await nest.call(`${V2}get_user`, { user_id: tokens.user_id }, { bearer: tokens.access_token })).status;
  const kidOf = ({ access_token }: Tokens) =>
    JSON.parse(Buffer.from(access_token.split(".")[0] ?? "", "base64url").toString()).kid;
  const published = async (nest: TestNest): Promise<string[]> =>
    (await nest.call("/.well-known/jwks.json", undefined, { method: "GET" })).body.keys.map(
      ({ kid }: { kid: string }) => kid,
    );

  test("no call fails during a rotation; tokens of the retired key are accepted until they expire", async () => {
    const base = await startNest();
    await command("generate", base.clock.now());
    const boot = async () =>
      startNest({
        beside: base,
        app: appWithLifetime(10 * DAY),
        environment: { SIGNING_KEYS: JSON.stringify(await keys()) },
      });

    const old = await boot();
    await expect(command("rotate", base.clock.now())).rejects.toThrow(/has not been served for an hour/);
    const before = await old.signIn("before@example.com");

    base.clock.advance(HOUR + 1);
    expect(await command("rotate", base.clock.now())).toMatch(/retired .*\ncurrent .*\nnext /);
    expect((await keys()).keys.map(({ state, d }) => [state, d !== undefined])).toEqual([
      ["retired", false],
      ["current", true],
      ["next", true],
    ]);
    const fresh = await boot();
    // Both instances serve for a while, and each accepts the other's tokens.
    const after = await fresh.signIn("after@example.com");
    const meanwhile = await old.signIn("meanwhile@example.com");
    expect(kidOf(after)).not.toBe(kidOf(before));
    expect(kidOf(meanwhile)).toBe(kidOf(before));
    for (const nest of [old, fresh]) {
      for (const tokens of [before, after, meanwhile]) expect(await works(nest, tokens)).toBe(200);
    }
    expect(await published(old)).toContain(kidOf(after));
    expect(await published(fresh)).toContain(kidOf(before));
    const { body: refreshed } = await fresh.refresh(before.refresh_token);
    expect(kidOf(refreshed)).toBe(kidOf(after));

    base.clock.advance(10 * DAY - 60);
    expect(await works(fresh, meanwhile)).toBe(200);
    base.clock.advance(61);
    expect(await works(fresh, meanwhile)).toBe(401);
    base.clock.advance(4 * DAY);
    expect(await published(fresh)).not.toContain(kidOf(before));
    await command("rotate", base.clock.now());
    expect((await keys()).keys.map(({ state }) => state)).toEqual(["retired", "current", "next"]);
    expect((await keys()).keys.map(({ kid }) => kid)).not.toContain(kidOf(before));
    for (const nest of [old, fresh, base]) await nest.stop();
  });

  test.each([
    ["less than 14 days ago", -14 * DAY + 60, 200],
    ["14 days ago", -14 * DAY, 401],
    ["at an unknown time", null, 401],
  ])(
    "a key that was retired %s is in the JWKS exactly while its tokens are accepted",
    async (_when, seconds, status) => {
      const base = await startNest();
      const tokens = await base.signIn();
      const [current, next] = base.secrets.signingKeys.keys;
      const now = base.clock.now().getTime();
      const retired_at = seconds === null ? null : new Date(now + seconds * 1000).toISOString();
      const set = [
        { ...current, state: "retired", retired_at },
        { ...next, state: "current" },
      ];
      const later = await startNest({
        beside: base,
        environment: { SIGNING_KEYS: JSON.stringify({ keys: set }) },
      });
      expect(await works(later, tokens)).toBe(status);
      expect((await published(later)).includes(kidOf(tokens))).toBe(status === 200);
      for (const nest of [later, base]) await nest.stop();
    },
  );

  test("an invalid key set is refused, and the error shows nothing of its content", async () => {
    await writeFile(file, JSON.stringify({ keys: [{ kty: "EC", d: "private-half" }] }));
    const failure = await command("rotate", new Date()).catch((error) => String(error.stderr));
    expect(failure).toBeTruthy();
    expect(failure).not.toContain("private-half");
  });

  test("oauth4webapi accepts our access token with our JWKS (RFC 9068)", async () => {
    const nest = await startNest();
    const { access_token, user_id } = await nest.signIn();
    const server = createServer(async (_request, response) => {
      const jwks = await nest.call("/.well-known/jwks.json", undefined, { method: "GET" });
      response.writeHead(jwks.status, jwks.headers).end(jwks.raw);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const jwks_uri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/.well-known/jwks.json`;
    const request = new Request("https://api.example/", {
      headers: { authorization: `Bearer ${access_token}` },
    });
    const claims = await oauth.validateJwtAccessToken(
      { issuer: "https://nest.test", jwks_uri },
      request,
      MAC,
      {
        [oauth.allowInsecureRequests]: true,
      },
    );
    expect(claims).toMatchObject({ sub: user_id, client_id: MAC, aud: MAC });
    await new Promise((resolve) => server.close(resolve));
    await nest.stop();
  });
});
