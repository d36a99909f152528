import { afterAll, beforeAll, expect, test } from "vitest";
import { type StackAnswer, startTestStack, type TestStack } from "#tests/support/local_stack.ts";
import { verifyOwnAddress } from "#tests/support/own_address.ts";
import { V3 } from "#tests/support/plans.ts";

const P1 = "correct horse battery staple 1";

let stack: TestStack;
let client_id: string;
let internal: { authorization: string };
let people = 0;

beforeAll(async () => {
  stack = await startTestStack({ settings: { LIMIT_REGISTRATIONS_PER_NETWORK: "0" } });
  const { body } = await stack.ask("GET", "/dev/status");
  client_id = body.clients.simple;
  internal = { authorization: `internal ${body.internal_key}` };
});
afterAll(() => stack[Symbol.asyncDispose]());

interface Person {
  user_id: string;
  address: string;
  headers: { authorization: string };
}

const call = (method: string, body: object, headers = {}): Promise<StackAnswer> =>
  stack.ask("POST", `${V3}${method}`, body, headers);
const identified = (address: string) => ({ identifier_type: "email", identifier_value: address });

/** Registers a person. Without a password, it is quicker. */
async function newPerson(more: object = { password: P1 }): Promise<Person> {
  const address = `wp5-${String(++people).padStart(3, "0")}@x.test`;
  const { status, body } = await call("register_user", { client_id, ...identified(address), ...more });
  if (status !== 200) throw new Error(JSON.stringify(body));
  return { user_id: body.user_id, address, headers: { authorization: `Bearer ${body.access_token}` } };
}

/** Registers a person who verifies the address, as whoever gets a role must. */
async function newColleague(): Promise<Person> {
  const colleague = await newPerson();
  await verifyOwnAddress(stack, { client_id, ...colleague });
  return colleague;
}

async function newAdmin(): Promise<Person> {
  const admin = await newColleague();
  const made = await call("set_user_roles", { user_id: admin.user_id, roles: ["admin"] }, internal);
  if (made.status !== 200) throw new Error(JSON.stringify(made.body));
  return admin;
}

const errorOf = ({ status, body }: StackAnswer) => [status, body?.code];
const login = ({ address }: Pick<Person, "address">) =>
  call("authenticate_user", { client_id, grant_type: "password", ...identified(address), password: P1 });

test("WP5.1: get_user without an id returns the caller's account and rank, and refuses other ids alike", async () => {
  const [ada, bob] = [await newPerson(), await newPerson()];
  const { body } = await call("get_user", {}, ada.headers);
  expect(body).toMatchObject({ id: ada.user_id, email: ada.address, role: 100 });
  expect(body.account_id).toMatch(/^account_/);
  for (const user_id of [bob.user_id, "user_nobody"])
    expect(errorOf(await call("get_user", { user_id }, ada.headers))).toEqual([403, "access_denied"]);
});

test("WP5.2: an internal key makes an admin, who pages 120 users without gaps or repeats", async () => {
  const admin = await newAdmin();
  const created: string[] = [];
  while (created.length < 120) {
    const group = await Promise.all(Array.from({ length: 8 }, () => newPerson({})));
    created.push(...group.map(({ user_id }) => user_id));
  }
  const seen: string[] = [];
  let cursor: string | null = null;
  do {
    const { status, body }: StackAnswer = await call(
      "list_users",
      { limit: 50, ...(cursor && { cursor }) },
      admin.headers,
    );
    expect(status).toBe(200);
    seen.push(...body.items.map(({ id }: { id: string }) => id));
    cursor = body.next_cursor;
  } while (cursor !== null);
  expect(new Set(seen).size).toBe(seen.length);
  expect(created.filter((id) => !seen.includes(id))).toEqual([]);
});

test("WP5.2: create_user creates a user without a password, mails a link to set one, and refuses a password", async () => {
  const admin = await newAdmin();
  const address = "wp5-created@x.test";
  const { status, body } = await call("create_user", identified(address), admin.headers);
  expect([status, body.user]).toMatchObject([200, { email: address, status: "active" }]);
  const { body: shown } = await call("get_user", { user_id: body.user.id }, admin.headers);
  expect(shown.has_password).toBe(false);
  const { body: inbox } = await stack.ask("GET", "/dev/inbox");
  const mail = inbox.findLast(({ to }: { to: string }) => to === address);
  const token = new URL(mail.text.match(/https?:\S+/)[0]).searchParams.get("token");
  expect((await call("reset_password", { client_id, token, password: P1 })).status).toBe(200);
  expect((await login({ address })).status).toBe(200);
  const withPassword = { ...identified("wp5-other@x.test"), password: P1 };
  expect(errorOf(await call("create_user", withPassword, admin.headers))).toEqual([400, "validation_failed"]);
});

test("WP5.3: disabling a user refuses their tokens at once and their sign-in, and nobody disables themselves", async () => {
  const [admin, person] = [await newAdmin(), await newPerson()];
  const disable = ({ user_id }: Person) =>
    call("update_user", { user_id, status: "disabled" }, admin.headers);
  expect((await disable(person)).status).toBe(200);
  expect(errorOf(await call("get_user", {}, person.headers))).toEqual([401, "unauthorized"]);
  expect(errorOf(await login(person))).toEqual([401, "invalid_credentials"]);
  expect(errorOf(await disable(admin))).toEqual([403, "cannot_disable_self"]);
});

test("WP5.4: unknown capabilities and escalation are refused, a capability that is taken bites on the next call, and the last admin stays", async () => {
  const [admin, clerk] = [await newAdmin(), await newColleague()];
  const role = { scope: "platform", key: "clerk", name: "Clerk", level: 50 };
  const define = (...capabilities: string[]) => call("set_role", { ...role, capabilities }, admin.headers);
  expect(errorOf(await define("everything"))).toEqual([400, "unknown_capability"]);
  expect((await define("roles.manage", "users.read")).status).toBe(200);
  const give = (user_id: string, roles: string[], { headers }: Pick<Person, "headers">) =>
    call("set_user_roles", { user_id, roles }, headers);
  expect((await give(clerk.user_id, ["clerk"], admin)).status).toBe(200);
  expect(errorOf(await give(clerk.user_id, ["admin"], clerk))).toEqual([403, "capability_escalation"]);
  expect((await call("list_users", { limit: 1 }, clerk.headers)).status).toBe(200);
  await define("roles.manage");
  expect(errorOf(await call("list_users", { limit: 1 }, clerk.headers))).toEqual([403, "access_denied"]);
  const { body } = await call("list_users", { role: "admin", limit: 100 }, admin.headers);
  for (const { id } of body.items) if (id !== admin.user_id) await give(id, [], admin);
  expect(errorOf(await give(admin.user_id, [], admin))).toEqual([409, "last_admin"]);
});

test("WP5.8: a stale sign-in can't delete its user, a fresh one does, and the erasure leaves no personal data", async () => {
  const person = await newPerson();
  const sessions = stack.database.collection("sessions");
  const fresh = await sessions.findOne({ userId: person.user_id });
  const authTime = new Date(Date.now() - 3_600_000).toISOString();
  await sessions.updateOne({ userId: person.user_id }, { $set: { authTime } });
  expect(errorOf(await call("delete_user", {}, person.headers))).toEqual([403, "reauthentication_required"]);
  await sessions.updateOne({ userId: person.user_id }, { $set: { authTime: fresh?.authTime } });
  expect((await call("delete_user", {}, person.headers)).status).toBe(200);
  expect(errorOf(await login(person))).toEqual([401, "invalid_credentials"]);
  const due = { $set: { eraseAt: "2020-01-01T00:00:00.000Z", deletedAt: "2020-01-01T00:00:00.000Z" } };
  await stack.database.collection("users").updateOne({ _id: person.user_id as never }, due);
  expect((await stack.ask("POST", "/dev/jobs/erase_deleted_users")).status).toBe(200);
  const collections = await stack.database.listCollections().toArray();
  for (const { name } of collections) {
    if (name === "audit_logs") continue;
    const documents = JSON.stringify(await stack.database.collection(name).find().toArray());
    expect([name, documents.includes(person.address), documents.includes(person.user_id)]).toEqual([
      ...[name, false, false],
    ]);
  }
});
