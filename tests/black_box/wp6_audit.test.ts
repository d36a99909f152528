import { afterAll, beforeAll, expect, test } from "vitest";
import { answerOf, asUser, callerOf, type StackCaller } from "#tests/support/black_box.ts";
import { type StackAnswer, startTestStack, type TestStack } from "#tests/support/local_stack.ts";
import { P1, P2 } from "#tests/support/passwords.ts";

interface Person {
  user_id: string;
  access_token: string;
  refresh_token: string;
}

let stack: TestStack;
let api: StackCaller;
let person: Person;
let admin: Person;
beforeAll(async () => {
  stack = await startTestStack();
  api = await callerOf(stack);
  person = (await api.register("wp6@x.test", P1)).body;
  admin = await api.signIn("wp6-admin@x.test");
  const roles = { user_id: admin.user_id, roles: ["admin"] };
  expect((await api.call("set_user_roles", roles, api.internal)).status).toBe(200);
});
afterAll(() => stack[Symbol.asyncDispose]());

const list = (reader: Person, body: object = {}): Promise<StackAnswer> =>
  api.call("list_audit_logs", body, asUser(reader));
const move = async () => expect((await stack.ask("POST", "/dev/jobs/move_events")).status).toBe(200);

test("WP6.1: changes and failed sign-ins leave one row each, with actor, target, address and outcome, and no row has a secret", async () => {
  const { user_id } = person;
  expect((await api.signInWith("wp6@x.test", P2)).status).toBe(401);
  const changed = { current_password: P1, password: P2 };
  expect((await api.call("set_password", changed, asUser(person))).status).toBe(200);
  const renamed = { user_id, name: "Ada" };
  expect((await api.call("update_user", renamed, asUser(admin))).status).toBe(200);
  const again = (await api.signInWith("wp6@x.test", P2)).body;
  await move();
  const { items } = (await list(admin, { user_id, limit: 100 })).body;
  const by = (actor: string | null) => ({ actor: { id: actor }, origin: { ip: "127.0.0.1" } });
  for (const [action, count, row] of [
    ["user.created", 1, { outcome: "success" }],
    ["password.set", 2, { ...by(user_id), target: { type: "user", id: user_id } }],
    ["user.sign_in_failed", 1, { ...by(null), outcome: "failure", error_code: "invalid_credentials" }],
    ["user.updated", 1, { ...by(admin.user_id), target: { type: "user", id: user_id } }],
    ["user.signed_in", 2, { ...by(user_id), target: { type: "session" } }],
  ] as const) {
    const found = items.filter((one: { action: string }) => one.action === action);
    expect([action, found.length]).toEqual([action, count]);
    expect(found[0]).toMatchObject(row);
  }
  const stored = JSON.stringify(await stack.database.collection("audit_logs").find().toArray());
  const secrets = [P1, P2, "@x.test"];
  for (const { access_token, refresh_token } of [person, admin, again])
    secrets.push(...[access_token, refresh_token].map((token) => token.split(".").at(-1) ?? token));
  for (const secret of secrets) expect(stored).not.toContain(secret);
});

test("WP6.2: a user sees only their own rows, and may not ask for those of others", async () => {
  await move();
  const { items } = (await list(person, { limit: 100 })).body;
  expect(new Set(items.map((row: { user_id: string }) => row.user_id))).toEqual(new Set([person.user_id]));
  const others = await list(person, { user_id: admin.user_id });
  expect(answerOf(others)).toEqual([403, "access_denied"]);
});

test("WP6.2: an admin filters by action, outcome and time, and pages are stable while rows are added", async () => {
  const start = new Date().toISOString();
  for (let failure = 0; failure < 3; failure++) await api.signInWith("wp6@x.test", "a wrong password of WP6");
  const filter = { action: "user.sign_in_failed", outcome: "failure", from: start };
  const expected = (await list(admin, filter)).body.items.map(({ id }: { id: string }) => id);
  expect(expected).toHaveLength(3);
  expect((await list(admin, { ...filter, outcome: "success" })).body.items).toEqual([]);
  expect((await list(admin, { ...filter, from: undefined, to: start })).body.items).not.toEqual([]);
  const seen: string[] = [];
  let cursor: string | null = null;
  do {
    const { body }: StackAnswer = await list(admin, { ...filter, limit: 1, ...(cursor && { cursor }) });
    seen.push(...body.items.map(({ id }: { id: string }) => id));
    cursor = body.next_cursor;
    await api.signInWith("wp6@x.test", "a wrong password of WP6");
  } while (cursor !== null);
  expect(seen).toEqual(expected);
});
