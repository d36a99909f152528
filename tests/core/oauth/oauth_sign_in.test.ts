import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MAC, REDIRECT, type Reply, type TestNest } from "#tests/support/nest.ts";
import {
  CLIENT_STATE,
  callBack,
  PROVIDERS,
  redeem,
  startBody,
  startWithProviders,
  visit,
} from "#tests/support/oauth.ts";
import { V3 } from "#tests/support/plans.ts";
import { OAUTH_FAULTS } from "#tools/local/oauth_double.ts";

let nest: TestNest;
let count = 0;
const somebody = () => {
  count++;
  return {
    sub: `subject-${count}`,
    email: `person${count}@acme.example`,
    email_verified: true,
    name: "Ada Lovelace",
  };
};
const go = (person: Parameters<typeof visit>[1], options = {}) => visit(nest, person, options);

beforeAll(async () => {
  nest = await startWithProviders();
});
afterAll(async () => {
  await nest.stop();
});

describe("WP4.1: start_oauth", () => {
  test("lists the configured providers", async () => {
    const { body } = await nest.call(`${V3}list_oauth_providers`, { client_id: MAC });
    expect(body.items).toEqual(PROVIDERS.map(({ id, name }) => ({ provider: id, name })));
  });

  test("returns a URL with state, nonce, S256 and the exact callback", async () => {
    const { body } = await nest.call(`${V3}start_oauth`, startBody());
    const url = new URL(body.authorization_url);
    expect(`${url.origin}${url.pathname}`).toBe(`${nest.oauth.url}/google/authorize`);
    expect(url.searchParams.get("redirect_uri")).toBe("https://nest.test/1/oauth/google/callback");
    expect(url.searchParams.get("code_challenge_method")).toBe("S256");
    expect(url.searchParams.get("code_challenge")).not.toBe(startBody().code_challenge);
    for (const name of ["state", "nonce"]) expect(url.searchParams.get(name)).toMatch(/^[0-9a-f]{64}$/);
    expect(body.authorization_url).not.toContain(encodeURIComponent(CLIENT_STATE));
  });

  test("refuses a provider that the app does not have", async () => {
    const { status, body } = await nest.call(`${V3}start_oauth`, startBody({ provider: "other" }));
    expect([status, body.code]).toEqual([404, "provider_not_found"]);
  });

  test.each([`${REDIRECT}more`, REDIRECT.slice(0, -1), REDIRECT.toUpperCase(), "https://other.example/"])(
    "refuses the redirect URI %s",
    async (redirect_uri) => {
      const { status, body } = await nest.call(`${V3}start_oauth`, startBody({ redirect_uri }));
      expect([status, body.code]).toEqual([400, "invalid_redirect_uri"]);
    },
  );

  test("refuses a code challenge that is no SHA-256 in base64url", async () => {
    const { status } = await nest.call(`${V3}start_oauth`, startBody({ code_challenge: "a".repeat(64) }));
    expect(status).toBe(400);
  });

  test("stores neither the state nor what is derived from it", async () => {
    const { body } = await nest.call(`${V3}start_oauth`, startBody());
    const stored = JSON.stringify(await nest.collection("oauth_states").find().toArray());
    const asked = new URL(body.authorization_url).searchParams;
    for (const name of ["state", "nonce"]) expect(stored).not.toContain(asked.get(name));
  });
});

describe("WP4.2: a sign-in", () => {
  test.each(PROVIDERS.map(({ id }) => id))(
    "with %s creates a user, who signs in again later",
    async (provider) => {
      const person = somebody();
      const back = await go(person, { start: { provider } });
      expect([back.status, back.error, back.state]).toEqual([302, null, CLIENT_STATE]);
      expect(back.code).toMatch(/^authzcode_/);
      const first = await redeem(nest, back.code);
      expect([first.status, first.body.user_created]).toEqual([200, true]);
      const again = await redeem(nest, (await go(person, { start: { provider } })).code);
      expect(again.body).toMatchObject({ user_id: first.body.user_id, user_created: false });
    },
  );

  test("gives tokens that work, and the verified address of a trusted provider", async () => {
    const person = somebody();
    const { body } = await redeem(nest, (await go(person)).code);
    const user = await nest.call(`${V3}get_user`, {}, { bearer: body.access_token });
    expect(user.body).toMatchObject({ id: body.user_id, email: person.email, name: person.name });
  });

  test("gives a new user no address that the provider does not prove", async () => {
    const { body } = await redeem(nest, (await go(somebody(), { start: { provider: "foreign" } })).code);
    const user = await nest.call(`${V3}get_user`, {}, { bearer: body.access_token });
    expect(user.body.email).toBeNull();
  });

  test.each([
    ["another code verifier", { code_verifier: "b".repeat(43) }, "incorrect_code_verifier"],
    ["another client", { client_id: "client_closed" }, "incorrect_client"],
    ["another redirect URI", { redirect_uri: "https://other.example/" }, "incorrect_redirect_uri"],
  ])("gives no tokens for %s", async (_name, change, code) => {
    const back = await go(somebody());
    const refused = await redeem(nest, back.code, change);
    expect([refused.status, refused.body.code]).toEqual([400, code]);
    expect((await redeem(nest, back.code)).status).toBe(200);
  });

  test("redeems a code once, and a second redemption does not end the session", async () => {
    const back = await go(somebody());
    const { body } = await redeem(nest, back.code);
    expect((await nest.call(`${V3}get_user`, {}, { bearer: body.access_token })).status).toBe(200);
    expect((await redeem(nest, back.code)).body.code).toBe("token_used");
    expect((await nest.call(`${V3}get_user`, {}, { bearer: body.access_token })).status).toBe(200);
  });

  test("redeems a code once when 10 requests race", async () => {
    const back = await go(somebody());
    const replies = await Promise.all(Array.from({ length: 10 }, () => redeem(nest, back.code)));
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  test("blocks a code after ten wrong code verifiers, also when 20 race", async () => {
    const { code } = await go(somebody());
    await Promise.all(
      Array.from({ length: 20 }, () => redeem(nest, code, { code_verifier: "b".repeat(43) })),
    );
    expect((await redeem(nest, code)).body.code).toBe("authorization_not_found");
  });

  test("creates one user when five visits of one new person race", async () => {
    const person = { ...somebody(), email: undefined };
    const codes = await Promise.all(Array.from({ length: 5 }, () => go(person)));
    const replies = await Promise.all(codes.map(({ code }) => redeem(nest, code)));
    expect(new Set(replies.map(({ body }) => body.user_id)).size).toBe(1);
    expect(replies.filter(({ body }) => body.user_created)).toHaveLength(1);
  });

  test("gives no code to a client with closed registration", async () => {
    const back = await go(somebody(), { start: { client_id: "client_closed" } });
    expect(back.error).toBe("registration_disabled");
  });
});

describe("WP4.3: a wrong answer of the provider", () => {
  test("shows a text for an unknown state, and does not redirect", async () => {
    const reply = await callBack(nest, {
      url: "https://nest.test/1/oauth/google/callback?state=unknown&code=1",
      form: null,
    });
    expect([reply.status, reply.location]).toEqual([400, null]);
    expect(reply.headers["content-type"]).toContain("text/plain");
  });

  test("counts a state once, also when ten answers race", async () => {
    const started = await nest.call(`${V3}start_oauth`, startBody());
    const answer = nest.oauth.visit(started.body.authorization_url, somebody());
    const replies = await Promise.all(Array.from({ length: 10 }, () => callBack(nest, answer)));
    expect(replies.filter(({ status }) => status === 302)).toHaveLength(1);
    expect(replies.filter(({ status }) => status === 400)).toHaveLength(9);
  });

  test("does not count a state at the callback of another provider", async () => {
    const started = await nest.call(`${V3}start_oauth`, startBody());
    const answer = nest.oauth.visit(started.body.authorization_url, somebody());
    const other = { ...answer, url: answer.url.replace("/google/", "/own/") };
    expect((await callBack(nest, other)).status).toBe(400);
    expect((await callBack(nest, answer)).status).toBe(302);
  });

  test("returns access_denied to the client if the person declines", async () => {
    const back = await go(somebody(), { answered: "denied" });
    expect([back.status, back.error, back.code, back.state]).toEqual([
      302,
      "access_denied",
      null,
      CLIENT_STATE,
    ]);
  });

  test("replaces an error code that OAuth does not define by server_error", async () => {
    const started = await nest.call(`${V3}start_oauth`, startBody());
    const answer = new URL(nest.oauth.visit(started.body.authorization_url, somebody(), "denied").url);
    answer.searchParams.set("error", "<script>");
    expect((await callBack(nest, { url: answer.href, form: null })).error).toBe("server_error");
  });

  test("refuses an answer with another issuer", async () => {
    const back = await go(somebody(), { answered: "wrong_iss" });
    expect([back.error, back.code]).toEqual(["server_error", null]);
  });

  const wrong = OAUTH_FAULTS.filter((kind) => !["none", "no_email", "slow", "down"].includes(kind));
  test.each(wrong)("makes no user when the provider's answer has the fault %s", async (kind) => {
    const person = somebody();
    nest.oauth.fault({ calls: 1, kind });
    const back = await go(person);
    expect([back.status, back.error, back.code]).toEqual([302, "server_error", null]);
    expect(await nest.collection("oauth_identities").countDocuments({ subject: person.sub })).toBe(0);
  });

  test("returns temporarily_unavailable to the client if the provider is down", async () => {
    nest.oauth.fault({ calls: 1, kind: "down" });
    expect((await go(somebody())).error).toBe("temporarily_unavailable");
  });

  test("ends a visit after ten minutes", async () => {
    const started = await nest.call(`${V3}start_oauth`, startBody());
    const answer = nest.oauth.visit(started.body.authorization_url, somebody());
    nest.clock.advance(601);
    expect((await callBack(nest, answer)).status).toBe(400);
  });
});

describe("WP4.4: the address", () => {
  test("signs the same user in after the address at the provider changed", async () => {
    const person = somebody();
    const first = await redeem(nest, (await go(person)).code);
    const again = await redeem(nest, (await go({ ...person, email: "new@acme.example" })).code);
    expect(again.body.user_id).toBe(first.body.user_id);
  });

  test("signs in another user if another provider names the same subject", async () => {
    const person = { ...somebody(), email: undefined };
    const at = (provider: string) => go(person, { start: { provider } });
    const users = [];
    for (const provider of ["google", "own", "github"])
      users.push((await redeem(nest, (await at(provider)).code)).body.user_id);
    expect(new Set(users).size).toBe(3);
  });

  test("joins a user whose verified address a trusted provider proves", async () => {
    const person = somebody();
    const user = await nest.signIn(person.email);
    const joined = await redeem(nest, (await go(person)).code);
    expect(joined.body).toMatchObject({ user_id: user.user_id, user_created: false });
  });

  test("lets two sign-ins join one account to a user at the same time", async () => {
    const person = somebody();
    const { user_id: userId } = await nest.signIn(person.email);
    const [one, other] = [await go(person), await go(person)];
    const { oauthIdentities } = nest.gateway.core;
    const real = oauthIdentities.listByUser.bind(oauthIdentities);
    let first: Reply | undefined;
    // The first sign-in links the account after the second has found no link.
    oauthIdentities.listByUser = async (id) => {
      oauthIdentities.listByUser = real;
      first = await redeem(nest, one.code);
      return real(id);
    };
    const second = await redeem(nest, other.code);
    expect([first?.body.user_id, second.status, second.body.user_id]).toEqual([userId, 200, userId]);
  });

  test.each([
    ["an untrusted provider", "foreign", true],
    ["Microsoft, where people choose their address", "microsoft", true],
    ["an address that the provider has not verified", "google", false],
  ])("does not join a user by %s", async (_name, provider, email_verified) => {
    const person = { ...somebody(), email_verified };
    await nest.signIn(person.email);
    const back = await go(person, { start: { provider } });
    expect([back.error, back.code]).toEqual(["account_exists", null]);
  });
});

// An account that joined while its user was disabled would sign in once the user is enabled again.
test("does not join a user who is disabled, whether before or after the provider answers", async () => {
  const person = somebody();
  const { user_id } = await nest.signIn(person.email);
  const update = (status: string) => nest.call(`${V3}update_user`, { user_id, status }, { internal: true });
  const early = await go(person);
  expect((await update("disabled")).status).toBe(200);
  const refused = await redeem(nest, early.code);
  expect([refused.status, refused.body.code]).toEqual([400, "authorization_not_found"]);
  const failures = async () => {
    const { body } = await nest.call(`${V3}list_audit_logs`, { user_id }, { internal: true });
    return body.items.filter(({ action }: { action: string }) => action === "user.sign_in_failed");
  };
  expect(await failures()).toMatchObject([
    { data: { cause: "disabled" }, error_code: "authorization_not_found" },
  ]);
  expect((await go(person)).error).toBe("account_exists");
  expect(await failures()).toMatchObject([
    { data: { cause: "disabled" }, error_code: "account_exists" },
    { data: { cause: "disabled" } },
  ]);
  // Nobody has proved the address.
  expect((await go({ ...person, email_verified: false })).error).toBe("account_exists");
  expect(await failures()).toHaveLength(2);
  expect(await nest.collection("oauth_identities").countDocuments({ userId: user_id })).toBe(0);
  expect((await update("active")).status).toBe(200);
  const stranger = { ...person, email: "elsewhere@acme.example", email_verified: false };
  expect((await redeem(nest, (await go(stranger)).code)).body.user_id).not.toBe(user_id);
});

test("WP4.7: stores the name that Apple posts at the first consent", async () => {
  const person = somebody();
  const { body } = await redeem(
    nest,
    (await go({ ...person, name: "Grace Hopper" }, { start: { provider: "apple" } })).code,
  );
  const user = await nest.call(`${V3}get_user`, {}, { bearer: body.access_token });
  expect(user.body.name).toBe("Grace Hopper");
});

test("versions before 2026-12-01 do not accept the code of a visit", async () => {
  const back = await go(somebody());
  const { status } = await nest.call("/1/2021-10-06/authenticate_user", {
    ...{ client_id: MAC, grant_type: "authorization_code", code: back.code },
    ...{ redirect_uri: REDIRECT, code_verifier: "a".repeat(43) },
  });
  expect(status).toBe(404);
});

test("a disabled user gets no session with a correct code, and the audit log says why", async () => {
  const person = somebody();
  const { body } = await redeem(nest, (await go(person)).code);
  const { user_id } = body;
  const { code } = await go(person);
  await nest.call(`${V3}update_user`, { user_id, status: "disabled" }, { internal: true });
  const refused = await redeem(nest, code);
  expect([refused.status, refused.body.code]).toEqual([400, "authorization_not_found"]);
  const { body: log } = await nest.call(`${V3}list_audit_logs`, { user_id }, { internal: true });
  const failed = log.items.filter(({ action }: { action: string }) => action === "user.sign_in_failed");
  expect(failed).toMatchObject([{ data: { cause: "disabled" } }]);
});
