import { afterAll, beforeAll, expect, test } from "vitest";
import type { TestNest } from "#tests/support/nest.ts";
import { REDEEM_FIELDS, redeem, startBody, startWithProviders, visit } from "#tests/support/oauth.ts";
import { V3 } from "#tests/support/plans.ts";

let nest: TestNest;
let count = 0;
const somebody = () => ({
  sub: `linked-${++count}`,
  email: `at-provider-${count}@acme.example`,
  email_verified: true,
});
const asUser = (bearer: string, method: string, body: object = {}) =>
  nest.call(`${V3}${method}`, body, { bearer });
const linking = (bearer: string, person = somebody()) =>
  visit(nest, person, { start: { intent: "link" }, bearer });
const link = (bearer: string, code: string | null) =>
  asUser(bearer, "link_oauth", { ...REDEEM_FIELDS, code });

beforeAll(async () => {
  nest = await startWithProviders();
});
afterAll(async () => {
  await nest.stop();
});

test("WP4.5: links an account by the session that began, tells the user, and signs in with it", async () => {
  const user = await nest.signIn(`linker${++count}@acme.example`);
  const person = somebody();
  const back = await linking(user.access_token, person);
  const linked = await link(user.access_token, back.code);
  expect(linked.status).toBe(200);
  expect(nest.ses.inbox.at(-1)).toMatchObject({ to: `linker${count - 1}@acme.example` });
  expect((await link(user.access_token, back.code)).body).toEqual(linked.body);
  const listed = await asUser(user.access_token, "list_oauth_identities");
  expect(listed.body.items).toEqual([linked.body.oauth_identity]);
  const signedIn = await redeem(nest, (await visit(nest, person)).code);
  expect(signedIn.body).toMatchObject({ user_id: user.user_id, user_created: false });
});

test("WP4.5: does not link by another user's session, nor by another session of the same user", async () => {
  const address = `two-sessions${++count}@acme.example`;
  const user = await nest.signIn(address);
  const back = await linking(user.access_token);
  const strangers = [await nest.signIn(`stranger${count}@acme.example`), await nest.signIn(address)];
  for (const { access_token } of strangers) {
    const refused = await link(access_token, back.code);
    expect([refused.status, refused.body.code]).toEqual([404, "verification_not_found"]);
  }
  expect((await asUser(user.access_token, "list_oauth_identities")).body.items).toEqual([]);
});

test("WP4.5: does not link an account of another user", async () => {
  const person = somebody();
  await redeem(nest, (await visit(nest, person)).code);
  const user = await nest.signIn(`other${++count}@acme.example`);
  const refused = await link(user.access_token, (await linking(user.access_token, person)).code);
  expect([refused.status, refused.body.code]).toEqual([409, "oauth_identity_taken"]);
});

test("links an account to one of two users who link it at once", async () => {
  const person = somebody();
  const users = [
    await nest.signIn(`racer${count}a@acme.example`),
    await nest.signIn(`racer${count}b@acme.example`),
  ];
  const codes: (string | null)[] = [];
  for (const { access_token } of users) codes.push((await linking(access_token, person)).code);
  const replies = await Promise.all(
    users.map(({ access_token }, index) => link(access_token, codes[index] ?? null)),
  );
  expect(replies.map(({ status }) => status).sort()).toEqual([200, 409]);
});

test("unlinks an account once, with one event, when 20 calls race", async () => {
  const user = await nest.signIn(`unlinker${++count}@acme.example`);
  const { body } = await link(user.access_token, (await linking(user.access_token)).code);
  const { id } = body.oauth_identity;
  const replies = await Promise.all(
    Array.from({ length: 20 }, () => asUser(user.access_token, "unlink_oauth", { oauth_identity_id: id })),
  );
  expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200]));
  const stored = await nest.collection("oauth_identities").findOne({ _id: id });
  const events = stored?.events as { type: string }[];
  expect(events.map(({ type }) => type)).toEqual(["oauth.linked", "oauth.unlinked"]);
});

test("a code that links signs nobody in, and a code that signs in links nothing", async () => {
  const user = await nest.signIn(`kinds${++count}@acme.example`);
  const back = await linking(user.access_token);
  expect((await redeem(nest, back.code)).status).toBe(404);
  const other = await visit(nest, somebody());
  expect((await link(user.access_token, other.code)).body.code).toBe("verification_not_found");
});

test("a link needs a signed-in user, and a fresh sign-in", async () => {
  const anonymous = await nest.call(`${V3}start_oauth`, startBody({ intent: "link" }));
  expect(anonymous.status).toBe(401);
  const user = await nest.signIn(`stale${++count}@acme.example`);
  nest.clock.advance(601);
  const stale = await asUser(user.access_token, "start_oauth", startBody({ intent: "link" }));
  expect([stale.status, stale.body.code]).toEqual([403, "reauthentication_required"]);
});

test("WP4.6: keeps the last way in, and unlinks once another remains", async () => {
  const person = somebody();
  const { body: user } = await redeem(
    nest,
    (await visit(nest, person, { start: { provider: "foreign" } })).code,
  );
  const [only] = (await asUser(user.access_token, "list_oauth_identities")).body.items;
  const refused = await asUser(user.access_token, "unlink_oauth", { oauth_identity_id: only.id });
  expect([refused.status, refused.body.code]).toEqual([409, "last_sign_in_method"]);
  const second = await link(user.access_token, (await linking(user.access_token)).code);
  expect(second.status).toBe(200);
  const ids = [only.id, second.body.oauth_identity.id];
  const both = await Promise.all(
    ids.map((id) => asUser(user.access_token, "unlink_oauth", { oauth_identity_id: id })),
  );
  expect(both.map(({ status }) => status).sort()).toEqual([200, 409]);
});

test("WP4.6: an unlinked account does not sign its user in, also with the user's address", async () => {
  const address = `unlinked${++count}@acme.example`;
  const user = await nest.signIn(address);
  const person = { ...somebody(), email: address };
  await link(user.access_token, (await linking(user.access_token, person)).code);
  const [linked] = (await asUser(user.access_token, "list_oauth_identities")).body.items;
  const removed = await asUser(user.access_token, "unlink_oauth", { oauth_identity_id: linked.id });
  expect((await asUser(user.access_token, "unlink_oauth", { oauth_identity_id: linked.id })).body).toEqual(
    removed.body,
  );
  const back = await visit(nest, person);
  expect([back.code, back.error]).toEqual([null, "account_exists"]);
  const unknown = await asUser(user.access_token, "unlink_oauth", { oauth_identity_id: "oauthid_none" });
  expect([unknown.status, unknown.body.code]).toEqual([404, "oauth_identity_not_found"]);
});

// Whoever controls the address at the provider can make a new account there.
test("after a user has unlinked an account, no other account of the provider joins by the address, but another provider's does", async () => {
  const address = `unlinked${++count}@acme.example`;
  const user = await nest.signIn(address);
  const at = (provider: string) => visit(nest, { ...somebody(), email: address }, { start: { provider } });
  const joined = await redeem(nest, (await at("google")).code);
  expect(joined.body.user_id).toBe(user.user_id);
  const [linked] = (await asUser(user.access_token, "list_oauth_identities")).body.items;
  await asUser(user.access_token, "unlink_oauth", { oauth_identity_id: linked.id });
  const refused = await at("google");
  expect([refused.code, refused.error]).toEqual([null, "account_exists"]);
  const other = await redeem(nest, (await at("own")).code);
  expect(other.body.user_id).toBe(user.user_id);
});

test("an account of a deleted user signs up another user", async () => {
  const person = somebody();
  const { body: user } = await redeem(nest, (await visit(nest, person)).code);
  expect((await asUser(user.access_token, "delete_user")).status).toBe(200);
  const again = await redeem(nest, (await visit(nest, person)).code);
  expect(again.body.user_created).toBe(true);
  expect(again.body.user_id).not.toBe(user.user_id);
});
