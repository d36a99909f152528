import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DAY } from "#core/clock.ts";
import { MAC, startNest, type TestNest, V2 } from "#tests/support/nest.ts";
import { runProgram } from "#tests/support/program.ts";

let nest: TestNest;
beforeAll(async () => {
  nest = await startNest();
});
afterAll(() => nest.stop());

test("accepts an entitlement with the documented check, and refuses an expired, altered or foreign one", async () => {
  const page = await readFile(new URL("../../docs/entitlement.md", import.meta.url), "utf8");
  const [, example = ""] = /```js\n([\s\S]*?)```/.exec(page) ?? [];
  expect(example.trim().split("\n").filter(Boolean).length).toBeLessThanOrEqual(11);
  const { access_token, user_id } = await nest.signIn();
  nest.stripe.createSubscription({ email: "ada@example.com" });
  await nest.deliverEvents();
  const { entitlement } = (
    await nest.call(`${V2}get_subscription_status`, { user_id }, { bearer: access_token })
  ).body;
  const jwks = (await nest.call("/.well-known/jwks.json", undefined, { method: "GET" })).body;
  const check = async (jws: string, clientId: string, now: Date) => {
    const code = `${example}
      const [jws, jwks, { now, ...options }] = JSON.parse(process.argv[1]);
      console.log(JSON.stringify(await mayWork(jws, jwks, { ...options, now: new Date(now) })));`;
    const asked = [jws, jwks, { issuer: "https://nest.test", clientId, now }];
    return runProgram("--input-type=module", ["-e", code, JSON.stringify(asked)]).ended;
  };
  const now = nest.clock.now();
  const taken = await check(entitlement, MAC, now);
  expect(taken.status).toBe(0);
  expect(JSON.parse(taken.printed)).toMatchObject({ userId: user_id, status: "active" });
  const [header, payload, signature] = entitlement.split(".");
  const altered = Buffer.from(JSON.stringify({ exp: 9e9 })).toString("base64url");
  for (const refused of [
    await check(entitlement, MAC, new Date(now.getTime() + 15 * DAY * 1000)),
    await check(`${header}.${altered}.${signature}`, MAC, now),
    await check(`${header}.${payload}.`, MAC, now),
    await check(entitlement, "client_other", now),
    await check(access_token, MAC, now),
  ]) {
    expect(refused.status).toBe(1);
  }
});
