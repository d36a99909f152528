import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hashSecret, newSecret } from "#core/secrets.ts";
import { startNest, type TestNest, V1, V2 } from "#tests/support/nest.ts";

const [billing, support] = [newSecret(), newSecret()];
const INTERNAL_KEYS = JSON.stringify([
  { name: "billing", hash: hashSecret(billing), methods: ["get_subscription_status"] },
  { name: "support", hash: hashSecret(support) },
]);

describe("internal callers", () => {
  let nest: TestNest;
  let userId: string;
  beforeAll(async () => {
    nest = await startNest({ environment: { INTERNAL_KEYS } });
    userId = (await nest.signIn()).user_id;
  });
  afterAll(() => nest.stop());

  const call = async (path: string, key: string) => {
    const headers = { authorization: `internal ${key}` };
    const { status, body } = await nest.call(path, { user_id: userId }, { headers });
    return { status, body };
  };
  const denied = { status: 403, body: { code: "access_denied" } };

  test("a key may call the methods that it lists, at every date, and the log names the key", async () => {
    for (const version of [V1, V2]) {
      expect((await call(`${version}get_subscription_status`, billing)).body.code).toBe(
        "no_active_subscription",
      );
      expect(nest.logged("call").at(-1)).toMatchObject({ caller: "internal", internal_key: "billing" });
    }
  });

  test("a method that the key does not list is access_denied before the body is read, and the log names the key", async () => {
    expect(await call(`${V2}get_user`, billing)).toEqual(denied);
    expect(nest.logged("call").at(-1)).toMatchObject({
      code: "access_denied",
      caller: "internal",
      internal_key: "billing",
      reason: "the internal key does not list this method",
    });
    const headers = { authorization: `internal ${billing}` };
    const bad = await nest.call(`${V2}get_user`, "{", { headers });
    expect(bad.body).toEqual(denied.body);
  });

  test("a key that does not list a public method can't call it", async () => {
    expect(await call(`${V2}list_news_items`, billing)).toEqual(denied);
  });

  test("a key without a list may call every method", async () => {
    expect((await call(`${V2}get_user`, support)).status).toBe(200);
    expect(nest.logged("call").at(-1)).toMatchObject({ internal_key: "support" });
  });

  test("a call without an internal key names none in the log", async () => {
    await nest.call(`${V2}list_news_items`, {});
    expect(nest.logged("call").at(-1)).not.toHaveProperty("internal_key");
  });
});

test("a deployment with the hashes of an earlier version serves its callers and logs the start of the hash", async () => {
  const hash = hashSecret(support);
  const nest = await startNest({ environment: { INTERNAL_KEYS: `${hashSecret(billing)},${hash}` } });
  const { user_id } = await nest.signIn();
  const headers = { authorization: `internal ${support}` };
  expect((await nest.call(`${V2}get_user`, { user_id }, { headers })).status).toBe(200);
  expect(nest.logged("call").at(-1)).toMatchObject({ internal_key: hash.slice(0, 8) });
  await nest.stop();
});
