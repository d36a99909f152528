import { afterAll, beforeAll, expect, test } from "vitest";
import { type StackAnswer, startTestStack, type TestStack } from "#tests/support/local_stack.ts";
import { V3 } from "#tests/support/plans.ts";

const P1 = "correct horse battery staple 1";

let stack: TestStack;
let client_id: string;
let people = 0;
beforeAll(async () => {
  stack = await startTestStack({ settings: { LIMIT_REGISTRATIONS_PER_NETWORK: "0" } });
  client_id = (await stack.ask("GET", "/dev/status")).body.clients.simple;
});
afterAll(() => stack[Symbol.asyncDispose]());

interface Person {
  user_id: string;
  account_id: string;
  address: string;
  headers: { authorization: string };
}

const call = (method: string, body: object, headers = {}): Promise<StackAnswer> =>
  stack.ask("POST", `${V3}${method}`, body, headers);
const identified = (identifier_value: string) => ({ identifier_type: "email", identifier_value });
const errorOf = ({ status, body }: StackAnswer) => [status, body?.code];
const newAddress = () => `wp5-accounts-${++people}@x.test`;

/** Registers a person, who proves the address with the code in the mail unless said otherwise. */
async function newPerson({ isProved = true, hasPassword = false } = {}): Promise<Person> {
  const address = newAddress();
  const asked = {
    ...{ client_id, ...identified(address), options: { verify_email: true } },
    ...(hasPassword && { password: P1 }),
  };
  const { status, body } = await call("register_user", asked);
  if (status !== 200) throw new Error(JSON.stringify(body));
  if (isProved) {
    const code = /\b\d{6}\b/.exec(textTo(address))?.[0];
    const proof = { client_id, nonce: body.verification.nonce, code };
    const proved = await call("verify_identifier", proof);
    if (proved.status !== 200) throw new Error(JSON.stringify(proved.body));
  }
  const { user_id, account_id } = body;
  return { user_id, account_id, address, headers: { authorization: `Bearer ${body.access_token}` } };
}

/** The text of the newest mail to an address. */
const textTo = (address: string) => stack.ses.inbox.findLast(({ to }) => to === address)?.text ?? "";

/** Adds a user with a password, and signs them in. */
async function newMember(owner: Person, role_key = "member"): Promise<Person> {
  const address = newAddress();
  const added = await call(
    "add_account_user",
    { ...identified(address), password: P1, role_key },
    owner.headers,
  );
  expect(added).toMatchObject({ status: 200, body: { status: "active" } });
  const { body } = await login(address);
  const { account_id } = owner;
  const { user_id, access_token } = body;
  return { user_id, account_id, address, headers: { authorization: `Bearer ${access_token}` } };
}

const login = (address: string, account_id?: string) => {
  const identity = { ...identified(address), password: P1 };
  return call("authenticate_user", { client_id, grant_type: "password", ...identity, account_id });
};
const list = ({ headers }: Person, body: object = {}) => call("list_account_users", body, headers);

test("WP5.5: add_account_user with a password makes a member who must change it; others may not, and an invitation is for its address", async () => {
  const owner = await newPerson();
  const member = await newMember(owner);
  const signedIn = await login(member.address);
  expect(signedIn.body).toMatchObject({ user_id: member.user_id, password_change_required: true });
  expect((await list(owner)).body.items[1]).toMatchObject({ id: member.user_id, role: 50, status: "active" });
  const added = { ...identified(newAddress()), password: P1 };
  expect(errorOf(await call("add_account_user", added, member.headers))).toEqual([403, "access_denied"]);
  const stranger = await newPerson({ isProved: false });
  expect(errorOf(await call("add_account_user", added, stranger.headers))).toEqual([
    403,
    "own_address_not_verified",
  ]);

  const [invited, other] = [await newPerson(), await newPerson()];
  const answer = await call("add_account_user", identified(invited.address), owner.headers);
  expect(answer.body).toMatchObject({ user_id: null, status: "invited" });
  const token = /token=([0-9a-f]{64})/.exec(textTo(invited.address))?.[1];
  const accept = ({ headers }: Person) => call("accept_account_invite", { client_id, token }, headers);
  expect(errorOf(await accept(other))).toEqual([404, "verification_not_found"]);
  expect(await accept(invited)).toMatchObject({ status: 200, body: { account_id: owner.account_id } });
  const ids = (await list(owner)).body.items.map(({ id }: { id: string }) => id);
  expect(ids).toContain(invited.user_id);
});

test("WP5.6: list_account_users lists the account's own members, and answers for others as for made-up ids", async () => {
  const [owner, other] = [await newPerson(), await newPerson()];
  const member = await newMember(owner);
  const { body } = await list(member, { account_id: owner.account_id });
  expect(body.items).toMatchObject([
    { id: owner.user_id, account_id: owner.account_id, email: owner.address, role: 100 },
    { id: member.user_id, account_id: owner.account_id, email: member.address, role: 50 },
  ]);
  for (const account_id of [owner.account_id, "account_nothing"])
    expect(await list(other, { account_id })).toMatchObject({
      status: 404,
      body: { code: "account_not_found" },
    });
});

test("WP5.7: remove_account_user ends the sessions of that account only", async () => {
  const [owner, invited] = [await newPerson(), await newPerson({ hasPassword: true })];
  await call("add_account_user", identified(invited.address), owner.headers);
  const token = /token=([0-9a-f]{64})/.exec(textTo(invited.address))?.[1];
  await call("accept_account_invite", { client_id, token }, invited.headers);
  const { body } = await login(invited.address, owner.account_id);
  const chosen = { authorization: `Bearer ${body.access_token}` };
  expect((await call("get_user", {}, chosen)).body.account_id).toBe(owner.account_id);
  const stranger = await newPerson();
  expect(errorOf(await login(invited.address, stranger.account_id))).toEqual([404, "account_not_found"]);
  await call("remove_account_user", { user_id: invited.user_id }, owner.headers);
  expect((await call("get_user", {}, chosen)).status).toBe(401);
  expect((await call("get_user", {}, invited.headers)).body.account_id).toBe(invited.account_id);
});

test("WP5.7: remove_account_user with delete_user deletes the user, unless the user is in another account", async () => {
  const owner = await newPerson();
  const remove = (user_id: string) =>
    call("remove_account_user", { user_id, delete_user: true }, owner.headers);
  const member = await newMember(owner);
  expect((await remove(member.user_id)).status).toBe(200);
  expect((await list(owner)).body.items).toHaveLength(1);
  expect(errorOf(await login(member.address))).toEqual([401, "invalid_credentials"]);
  expect(errorOf(await remove(owner.user_id))).toEqual([409, "last_owner"]);

  const invited = await newPerson();
  await call("add_account_user", identified(invited.address), owner.headers);
  const token = /token=([0-9a-f]{64})/.exec(textTo(invited.address))?.[1];
  expect((await call("accept_account_invite", { client_id, token }, invited.headers)).status).toBe(200);
  expect(errorOf(await remove(invited.user_id))).toEqual([403, "delete_not_allowed"]);
  expect((await list(owner)).body.items).toHaveLength(2);
});

test("WP5.7: remove_account_user takes the member off the list and ends their sessions, and keeps the last owner", async () => {
  const owner = await newPerson();
  const member = await newMember(owner);
  const remove = (user_id: string) => call("remove_account_user", { user_id }, owner.headers);
  expect((await remove(member.user_id)).status).toBe(200);
  expect((await list(owner)).body.items).toHaveLength(1);
  expect((await call("get_user", {}, member.headers)).status).toBe(401);
  expect(errorOf(await remove(owner.user_id))).toEqual([409, "last_owner"]);
});
