import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import app from "#app";
import { answerOf, asUser, callerOf, type StackCaller } from "#tests/support/black_box.ts";
import { startTestStack, type TestStack } from "#tests/support/local_stack.ts";
import type { OAuthPerson, ProviderAnswer, VisitAnswer } from "#tools/local/oauth_double.ts";
import { withSampleClients } from "#tools/local/sample_clients.ts";

let stack: TestStack;
let api: StackCaller;
let redirect_uri: string;
beforeAll(async () => {
  stack = await startTestStack({ settings: { LIMIT_CODES_PER_IDENTIFIER: "0" } });
  api = await callerOf(stack);
  const native = withSampleClients(app).clients.find(({ id }) => id === api.clients.native);
  redirect_uri = native?.redirectUris[0] ?? "";
});
afterAll(() => stack[Symbol.asyncDispose]());

const VERIFIER = "black-box-code-verifier-of-forty-three-characters";
const STATE = "state-of-the-client";
let people = 0;
const newPerson = (change: Partial<OAuthPerson> = {}): OAuthPerson => {
  people++;
  return { sub: `black-box-${people}`, email: `black.box.${people}@x.test`, email_verified: true, ...change };
};

const start = (change: object = {}, headers: Record<string, string> = {}) =>
  api.call(
    "start_oauth",
    {
      ...{ client_id: api.clients.native, provider: "google", redirect_uri, state: STATE },
      code_challenge_method: "S256",
      code_challenge: createHash("sha256").update(VERIFIER).digest("base64url"),
      ...change,
    },
    headers,
  );

/** Brings the answer of a provider to the callback, as a browser does. */
async function callBack({ url, form }: ProviderAnswer) {
  const { pathname, search } = new URL(url);
  const reply = await fetch(`${stack.api.url}${pathname}${search}`, {
    redirect: "manual",
    ...(form !== null && {
      method: "POST",
      body: form,
      headers: { "content-type": "application/x-www-form-urlencoded" },
    }),
  });
  const location = reply.headers.get("location");
  const asked = new URLSearchParams(location?.split("?")[1] ?? "");
  const [code, error, state] = ["code", "error", "state"].map((name) => asked.get(name));
  return { status: reply.status, location, code, error, state };
}

/** A visit from the start to the callback. */
async function visit(
  person: OAuthPerson,
  {
    change = {},
    headers = {},
    answered,
  }: { change?: object; headers?: Record<string, string>; answered?: VisitAnswer } = {},
) {
  const { body } = await start(change, headers);
  return callBack(stack.oauth.visit(body.authorization_url, person, answered));
}

const presented = (code: unknown, change: object = {}) => ({
  ...{ client_id: api.clients.native, code, redirect_uri, code_verifier: VERIFIER, ...change },
});
const redeem = (code: unknown, change: object = {}) =>
  api.call("authenticate_user", { grant_type: "authorization_code", ...presented(code, change) });
const signIn = async (person: OAuthPerson, change: object = {}) =>
  (await redeem((await visit(person, { change })).code)).body;
const linking = (user: { access_token: string }, person: OAuthPerson) =>
  visit(person, { change: { intent: "link" }, headers: asUser(user) });
const link = (user: { access_token: string }, code: unknown) =>
  api.call("link_oauth", presented(code), asUser(user));

test("WP4.1: lists the configured providers, and begins a visit only at one of them, for a registered redirect URI", async () => {
  const { body } = await api.call("list_oauth_providers", { client_id: api.clients.native });
  expect(body.items).toContainEqual({ provider: "google", name: "Google" });
  const url = new URL((await start()).body.authorization_url);
  expect(url.searchParams.get("redirect_uri")).toMatch(/\/1\/oauth\/google\/callback$/);
  expect(url.searchParams.get("code_challenge_method")).toBe("S256");
  for (const name of ["state", "nonce", "code_challenge"]) expect(url.searchParams.get(name)).toBeTruthy();
  expect(answerOf(await start({ provider: "none" }))).toEqual([404, "provider_not_found"]);
  for (const uri of [redirect_uri.slice(0, -1), `${redirect_uri}extra`, redirect_uri.toUpperCase()])
    expect(answerOf(await start({ redirect_uri: uri }))).toEqual([400, "invalid_redirect_uri"]);
});

test("WP4.2: returns to the client with a code and its state, which signs up once and only with the code verifier", async () => {
  const back = await visit(newPerson());
  expect([back.status, back.state]).toEqual([302, STATE]);
  expect(back.location).toContain(redirect_uri);
  const wrong = await redeem(back.code, { code_verifier: "w".repeat(43) });
  expect(answerOf(wrong)).toEqual([400, "incorrect_code_verifier"]);
  const signedUp = await redeem(back.code);
  expect([signedUp.status, signedUp.body.user_created]).toEqual([200, true]);
  expect((await api.call("get_user", {}, asUser(signedUp.body))).status).toBe(200);
  expect(answerOf(await redeem(back.code))).toEqual([400, "token_used"]);
});

test("WP4.2: one of 10 redemptions at once gets tokens", async () => {
  const { code } = await visit(newPerson());
  const replies = await Promise.all(Array.from({ length: 10 }, () => redeem(code)));
  expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
});

test("WP4.3: a state that is unknown or was used redirects nowhere, also if 50 answers race", async () => {
  const unknown = await callBack({
    url: "http://x/1/oauth/google/callback?state=unknown&code=1",
    form: null,
  });
  expect([unknown.status, unknown.location]).toEqual([400, null]);
  const answer = stack.oauth.visit((await start()).body.authorization_url, newPerson());
  const replies = await Promise.all(Array.from({ length: 50 }, () => callBack(answer)));
  expect(replies.filter(({ status }) => status === 302)).toHaveLength(1);
  expect(replies.filter(({ status, location }) => status === 400 && location === null)).toHaveLength(49);
});

test("WP4.3: an error of the provider, or a wrong answer, returns to the client with an error and makes no user", async () => {
  const denied = await visit(newPerson(), { answered: "denied" });
  expect([denied.status, denied.error, denied.state]).toEqual([302, "access_denied", STATE]);
  const wrongIssuer = await visit(newPerson(), { answered: "wrong_iss" });
  expect([wrongIssuer.status, wrongIssuer.error, wrongIssuer.code]).toEqual([302, "server_error", null]);
  const users = await stack.database.collection("users").countDocuments();
  for (const kind of ["wrong_iss", "wrong_nonce", "wrong_aud", "wrong_signature", "wrong_alg", "alg_none"]) {
    await stack.ask("POST", "/dev/oauth/faults", { calls: 1, kind });
    const back = await visit(newPerson());
    expect([kind, back.status, back.error, back.code]).toEqual([kind, 302, "server_error", null]);
  }
  expect(await stack.database.collection("users").countDocuments()).toBe(users);
});

test("WP4.4: the subject is the key, and an address joins a user only if a trusted provider proves it", async () => {
  const person = newPerson();
  const first = await signIn(person);
  expect((await signIn({ ...person, email: "changed@x.test" })).user_id).toBe(first.user_id);
  const known = newPerson();
  const user = await api.signIn(String(known.email));
  expect((await visit({ ...known, email_verified: false })).error).toBe("account_exists");
  expect((await visit(known, { change: { provider: "microsoft" } })).error).toBe("account_exists");
  expect(await signIn(known)).toMatchObject({ user_id: user.user_id, user_created: false });
});

test("WP4.4: an address that its user has not verified joins nobody", async () => {
  const person = newPerson();
  expect((await api.register(String(person.email), "correct horse battery staple")).status).toBe(200);
  expect((await visit(person)).error).toBe("account_exists");
});

test("WP4.5: only the session that began links an account, and an account has one user", async () => {
  const [user, other] = [await api.signIn("wp45.u@x.test"), await api.signIn("wp45.v@x.test")];
  const { code } = await linking(user, newPerson());
  expect(answerOf(await link(other, code))).toEqual([404, "verification_not_found"]);
  const linked = await link(user, code);
  expect(linked.status).toBe(200);
  expect(api.mailTo("wp45.u@x.test").subject).toContain("sign in");
  const taken = newPerson();
  await signIn(taken);
  expect(answerOf(await link(user, (await linking(user, taken)).code))).toEqual([
    409,
    "oauth_identity_taken",
  ]);
  const { items } = (await api.call("list_oauth_identities", {}, asUser(user))).body;
  expect(items).toEqual([linked.body.oauth_identity]);
});

test("WP4.5: of two users who link one account at once, one gets it", async () => {
  const person = newPerson();
  const users = [await api.signIn("wp45.a@x.test"), await api.signIn("wp45.b@x.test")];
  const codes: unknown[] = [];
  for (const user of users) codes.push((await linking(user, person)).code);
  const answers = await Promise.all(users.map((user, index) => link(user, codes[index])));
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
});

test("WP4.6: keeps the only way in, and unlinks once the user has verified an address", async () => {
  const person = newPerson({ email_verified: false });
  const user = await signIn(person, { provider: "microsoft" });
  const [identity] = (await api.call("list_oauth_identities", {}, asUser(user))).body.items;
  const unlink = () => api.call("unlink_oauth", { oauth_identity_id: identity.id }, asUser(user));
  expect(answerOf(await unlink())).toEqual([409, "last_sign_in_method"]);
  const address = {
    client_id: api.clients.native,
    identifier_type: "email",
    identifier_value: "wp46@x.test",
  };
  const sent = await api.call("send_verification", { ...address, delivery: "code" }, asUser(user));
  const code = /\b\d{6}\b/.exec(api.mailTo("wp46@x.test").text)?.[0];
  const proof = { client_id: api.clients.native, nonce: sent.body.nonce, code };
  expect((await api.call("verify_identifier", proof)).status).toBe(200);
  expect((await unlink()).status).toBe(200);
  const later = await signIn(person, { provider: "microsoft" });
  expect([later.user_created, later.user_id === user.user_id]).toEqual([true, false]);
});

test.each([
  ["a form that the browser posts", "apple"],
  ["a provider without ID tokens", "github"],
])("WP4.7: signs in with %s", async (_name, provider) => {
  expect((await signIn(newPerson({ name: "Grace Hopper" }), { provider })).user_created).toBe(true);
});
