import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Method } from "#client/index.ts";
import {
  clientOf,
  newestLink,
  outcomeOf,
  type StoredTokens,
  signedIn,
  storedTokens,
} from "#tests/packages/client/support.ts";
import { startTestStack, type TestStack } from "#tests/support/local_stack.ts";

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack();
});
afterAll(() => stack[Symbol.asyncDispose]());

const TOKENS = {
  access_token: "a",
  token_type: "bearer",
  expires_in: 3600,
  expires_at: "2026-12-01T00:00:00.000Z",
  refresh_token: "r",
  user_id: "user_x",
  client_id: "client_x",
};
const changed = (change: object): [number, string] => [200, JSON.stringify({ ...TOKENS, ...change })];

/** Responses of status 2xx without tokens: of a proxy, a captive portal or a broken server. */
const NO_TOKENS: [number, string | null][] = [
  [204, null],
  [200, ""],
  [200, "{}"],
  [200, "null"],
  [200, "[]"],
  [200, "123"],
  [200, "true"],
  [200, '""'],
  [200, '{"status":"ok"}'],
  [200, "<!doctype html><p>Sign in to the hotel's network</p>"],
  [200, '{"access_token":"a","refresh_tok'],
  [200, `[${JSON.stringify(TOKENS)}]`],
  [201, JSON.stringify(TOKENS)],
  changed({ access_token: 1 }),
  changed({ access_token: "" }),
  changed({ refresh_token: null }),
  changed({ refresh_token: undefined }),
  changed({ user_id: {} }),
  changed({ client_id: undefined }),
];

describe("a response without tokens", () => {
  test.each(NO_TOKENS)(
    "of a refresh, %s %s, is unexpected_answer and the tokens are kept",
    async (...sent) => {
      const { nest, network, store } = await signedIn(stack);
      const before = await store.get("tokens");
      stack.pass(3601);
      network.instead("authenticate_user", ...sent);
      expect(await outcomeOf(nest.call("get_user"))).toBe("unexpected_answer");
      expect(await store.get("tokens")).toBe(before);
      await nest.call("get_user");
    },
  );

  test.each(NO_TOKENS)("of a sign-in, %s %s, is unexpected_answer and the link is kept", async (...sent) => {
    const { nest, network, store } = clientOf(stack.api);
    await nest.sendMagicLink("between@example.com");
    network.instead("authenticate_user", ...sent);
    expect(await outcomeOf(nest.finishSignIn(newestLink(stack)))).toBe("unexpected_answer");
    expect(await store.get("tokens")).toBeNull();
    expect(await nest.signedIn()).toBeNull();
    await nest.finishSignIn(newestLink(stack));
  });

  // Codes that another server may return as well. Only Nest returns a request id with them.
  test.each(["not_found", "token_expired", "token_not_found", "authorization_not_found"])(
    "but with the code %s and no request id does not sign out",
    async (code) => {
      const { nest, network, store } = await signedIn(stack);
      const before = await store.get("tokens");
      stack.pass(3601);
      network.instead("authenticate_user", 404, JSON.stringify({ code }));
      expect(await outcomeOf(nest.call("get_user"))).toBe("refresh_failed");
      expect(await store.get("tokens")).toBe(before);
      await nest.call("get_user");
    },
  );
});

describe("a response that has not the declared shape", () => {
  const DECLARED: [Method, [number, string | null][]][] = [
    [
      "get_user",
      [
        [204, null],
        [200, "null"],
        [200, "[]"],
        [200, '{"id":7}'],
        [200, "{}"],
      ],
    ],
    [
      "get_marketing_consent",
      [
        [204, null],
        [200, "{}"],
        [200, '{"level":null}'],
      ],
    ],
    [
      "get_subscription_status",
      [
        [204, null],
        [200, '{"status":"active"}'],
      ],
    ],
    [
      "list_sessions",
      [
        [204, null],
        [200, "{}"],
        [200, "[]"],
        [200, '{"items":{},"next_cursor":null}'],
        [200, "null"],
      ],
    ],
    [
      "delete_role",
      [
        [204, null],
        [200, "{}"],
      ],
    ],
    [
      "revoke_all_sessions",
      [
        [204, null],
        [200, "{}"],
        [200, '{"revoked":"2"}'],
      ],
    ],
    [
      "revoke_session",
      [
        [200, "{}"],
        [200, ""],
        [200, "<!doctype html>"],
      ],
    ],
    [
      "send_magic_link",
      [
        [200, "{}"],
        [200, "<!doctype html>"],
        [202, null],
      ],
    ],
    [
      "set_password",
      [
        [204, null],
        [200, "{}"],
        [200, '{"sessions_revoked":null}'],
      ],
    ],
    [
      "set_primary_identifier",
      [
        [204, null],
        [200, "{}"],
        [200, '{"identifier":null}'],
        [200, '{"identifier":"text"}'],
      ],
    ],
  ];
  test.each(DECLARED)("of %s is unexpected_answer", async (method, answers) => {
    const { nest, network } = await signedIn(stack);
    const call = (name: string) => nest.call(name as "get_user", { user_id: "user_other" });
    for (const answer of answers) {
      network.instead(method, ...answer);
      expect(await outcomeOf(call(method)), JSON.stringify(answer)).toBe("unexpected_answer");
    }
  });

  test("of the public keys is unexpected_answer", async () => {
    const { nest, network } = clientOf(stack.api);
    for (const body of ["{}", "null", "[]", '{"keys":"none"}']) {
      network.instead("jwks.json", 200, body);
      expect(await outcomeOf(nest.keys()), body).toBe("unexpected_answer");
    }
    expect((await nest.keys()).keys.length).toBeGreaterThan(0);
  });

  test("of a sign-in is not stored over the tokens of the signed-in user", async () => {
    const { nest, network, store, address } = await signedIn(stack);
    const before = (await storedTokens(store)) as StoredTokens;
    await nest.sendMagicLink(address);
    network.instead("authenticate_user", 200, "{}");
    expect(await outcomeOf(nest.finishSignIn(newestLink(stack)))).toBe("unexpected_answer");
    expect(await storedTokens(store)).toEqual(before);
  });
});
