import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Backend as NodeBackend } from "@staticbackend/backend";
import { Backend as JsBackend } from "@staticbackend/js";
import { hash } from "bcryptjs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import app from "#app";
import type { Client } from "#core/app/app.ts";
import { runCli } from "#tests/support/cli.ts";
import { startTestStack, type TestStack } from "#tests/support/local_stack.ts";
import { verifyOwnAddress } from "#tests/support/own_address.ts";
import { V3 } from "#tests/support/plans.ts";
import { temporaryFolder } from "#tests/support/program.ts";
import { StaticBackend, type StaticReply } from "#tests/support/static_backend.ts";
import { ADAPTER_CLIENT_IDS, withSampleClients } from "#tools/local/sample_clients.ts";

const OBJECT_KEY = "client_of_go_programs";
const CAREFUL_KEY = "client_with_proofs";

let stack: TestStack;
let backend: StaticBackend;
let people = 0;
const next = () => `member${++people}@example.com`;

beforeAll(async () => {
  const { clients } = withSampleClients(app);
  const sample = clients.find(({ id }) => id === ADAPTER_CLIENT_IDS.static_backend) as Client;
  const others: Client[] = [
    { ...sample, id: OBJECT_KEY, addedUserAnswer: "user" },
    { ...sample, id: CAREFUL_KEY, addsBeforeProof: false },
  ];
  stack = await startTestStack({ app: { ...app, clients: [...app.clients, sample, ...others] } });
  backend = await StaticBackend.of(stack);
});
afterAll(() => stack[Symbol.asyncDispose]());

const add = (token: string, email: string, key = backend.key) =>
  backend.send("POST", "/account/users", { token, key, body: { email, password: "userpw" } });
const list = (token: string) => backend.take("GET", "/account/users", { token });
const remove = (token: string, id: string) => backend.send("DELETE", `/account/users/${id}`, { token });
const me = (token: string) => backend.take("GET", "/me", { token });
const emailsOf = (users: { email: string }[]) => users.map(({ email }) => email);

function expectRefused({ status, headers, text }: StaticReply, expected: number, sentence = /./): void {
  expect([status, headers.get("content-type")]).toEqual([expected, "text/plain; charset=utf-8"]);
  expect(text).toMatch(sentence);
}

describe("the users of an account", () => {
  test("are added, listed and removed by its owner (S3, D6, G1, N1, F7, F9)", async () => {
    const [owner, member] = [next(), next()];
    await backend.register(owner);
    const token = JSON.parse((await backend.login(owner)).text);
    const added = await add(token, member);
    expect([added.status, added.headers.get("content-type"), added.text]).toEqual([
      200,
      "application/json",
      "true",
    ]);
    expectRefused(await add(token, member), 409, /^invalid email/);
    expectRefused(await add(token, "zzz"), 400, /^invalid email/);
    const users = await list(token);
    const { accountId } = await me(token);
    expect(users).toEqual([
      expect.objectContaining({ email: owner, role: 50, accountId }),
      {
        id: users[1].id,
        userId: users[1].id,
        accountId,
        email: member,
        role: 0,
        created: expect.any(String),
      },
    ]);
    expect(Math.abs(Date.parse(users[1].created) - Date.now())).toBeLessThan(3_600_000);
    const session = JSON.parse((await backend.login(member)).text);
    expect(await me(session)).toMatchObject({ id: users[1].id, accountId, role: 0 });
    const gone = await remove(token, users[1].id);
    expect([gone.status, gone.headers.get("content-type"), gone.text]).toEqual([
      200,
      "application/json",
      "true",
    ]);
    expect(emailsOf(await list(token))).toEqual([owner]);
    for (const [verb, path] of [
      ["GET", "/me"],
      ["GET", "/account/users"],
    ] as const)
      expectRefused(await backend.send(verb, path, { token: session }), 401);
    expectRefused(await add(session, next()), 401);
    expectRefused(await backend.login(member), 401);
    const again = { body: { email: member, password: "userpw" } };
    expect((await backend.send("POST", "/register", again)).status).toBe(200);
  });

  test("stay, and only leave the account, if they are in another one", async () => {
    const [token, email] = [await backend.register(next()), next()];
    await add(token, email);
    const [, { id: userId }] = await list(token);
    const other = { _id: `acctmem_${userId}`, accountId: "account_of_others", userId, role: "member" };
    const joined = { ...other, status: "active", createdAt: "2026-01-01T00:00:00.000Z", removedAt: null };
    await stack.database.collection<typeof joined>("account_members").insertOne(joined);
    expect((await remove(token, userId)).text).toBe("true");
    expect(await list(token)).toHaveLength(1);
    expect((await backend.login(email)).status).toBe(200);
  });

  test("are those of the caller's account only, also for a platform administrator (G1, N1, F11)", async () => {
    const address = next();
    const [token, other] = [await backend.register(next()), await backend.register(address)];
    const headers = { authorization: `Bearer ${other}` };
    await verifyOwnAddress(stack, { client_id: backend.key, address, headers });
    await add(token, next());
    const [, member] = await list(token);
    const { id: administrator } = await me(other);
    const internal = { authorization: `internal ${stack.secrets.internalKey}` };
    const roles = { user_id: administrator, roles: ["admin"] };
    expect((await stack.ask("POST", `${V3}set_user_roles`, roles, internal)).status).toBe(200);
    expectRefused(await remove(other, member.id), 404, /your account/);
    expectRefused(await remove(token, "user_none"), 404, /your account/);
    expectRefused(await remove(token, administrator), 404, /your account/);
    expect(await list(other)).toHaveLength(1);
    expect(await list(token)).toHaveLength(2);
  });

  test("are changed by who may do so only, and keep an owner", async () => {
    const token = await backend.register(next());
    const email = next();
    await add(token, email);
    const member = JSON.parse((await backend.login(email)).text);
    expectRefused(await add(member, next()), 403);
    const { id } = await me(token);
    expectRefused(await remove(member, id), 403);
    expectRefused(await remove(token, id), 409, /last owner/);
    for (const reply of [
      await backend.send("GET", `/account/users/${id}`, { token }),
      await backend.send("DELETE", "/account/users", { token }),
    ])
      expectRefused(reply, 405);
    for (const [verb, path] of [
      ["GET", "/account/users"],
      ["POST", "/account/users"],
      ["DELETE", `/account/users/${id}`],
    ] as const) {
      const body = verb === "POST" ? { email: next(), password: "userpw" } : undefined;
      for (const sent of [{}, { token: "junk" }, { token: backend.rootToken }])
        expectRefused(await backend.send(verb, path, { ...sent, body }), 401, /session token/);
    }
  });

  test("are listed from all pages", async () => {
    const token = await backend.register(next());
    const { id, accountId } = await me(token);
    const members = stack.database.collection<{ _id: string; userId: string }>("account_members");
    const users = stack.database.collection<{ _id: string }>("users");
    const [own, user] = await Promise.all([members.findOne({ userId: id }), users.findOne({ _id: id })]);
    const copies = Array.from({ length: 230 }, (_, index) => `user_copy${index}`);
    await users.insertMany(copies.map((_id) => ({ ...user, _id })));
    await members.insertMany(
      copies.map((userId) => ({ ...own, _id: `acctmem_${userId}`, userId, accountId, role: "member" })),
    );
    expect(await list(token)).toHaveLength(231);
  });

  test("are answered as an object if the client says so, without a token", async () => {
    const body = { email: next(), password: "userpw" };
    const token = await backend.take("POST", "/register", { body, key: OBJECT_KEY });
    const email = next();
    const { text } = await add(token, email, OBJECT_KEY);
    const { accountId } = await backend.take("GET", "/me", { token, key: OBJECT_KEY });
    expect(JSON.parse(text)).toEqual({
      ...{ id: expect.stringMatching(/^user_/), accountId, token: "", email, role: 0 },
      created: expect.stringMatching(/^\d{4}-.*Z$/),
    });
  });

  test("need the owner's proved address unless the client says otherwise", async () => {
    const owner = next();
    const body = { email: owner, password: "userpw" };
    const token = await backend.take("POST", "/register", { body, key: CAREFUL_KEY });
    expectRefused(await add(token, next(), CAREFUL_KEY), 403, /Verify your own address/);
    await backend.take("POST", "/login/magic", { body: { email: owner }, key: CAREFUL_KEY });
    const code = /\?code=(\w+)/.exec(stack.ses.inbox.at(-1)?.text ?? "")?.[1] ?? "";
    const proved = JSON.parse((await backend.exchange(code, owner, CAREFUL_KEY)).text);
    expect((await add(proved, next(), CAREFUL_KEY)).text).toBe("true");
  });

  test("leave the account when somebody else proves the address of its owner", async () => {
    const [victim, accomplice] = [next(), next()];
    const stranger = await backend.register(victim, "strangers");
    await add(stranger, accomplice);
    const session = JSON.parse((await backend.login(accomplice)).text);
    const body = { email: victim, code: await backend.resetCode(victim), password: "victims1" };
    expect((await backend.send("POST", "/password/reset", { body })).text).toBe("true");
    const owner = JSON.parse((await backend.login(victim, "victims1")).text);
    expect(emailsOf(await list(owner))).toEqual([victim]);
    expectRefused(await backend.send("GET", "/me", { token: stranger }), 401);
    const { accountId } = await me(owner);
    const after = await backend.send("GET", "/account/users", { token: session });
    expect(after.text).not.toContain(accountId);
    expect(after.text).not.toContain(victim);
  });
});

test.each([
  ["@staticbackend/js", () => new JsBackend(backend.key, backend.url)],
  ["@staticbackend/backend", () => new NodeBackend(backend.key, backend.url)],
])("%s adds, lists and removes a user with the owner's token (G1, N1)", async (_name, open) => {
  const program = open();
  const [owner, member] = [next(), next()];
  await program.register(owner, "userpw");
  const { content: token } = await program.login(owner, "userpw");
  expect(await program.addUser(token, member, "userpw")).toEqual({ ok: true, content: true });
  const { content: users } = await program.users(token);
  expect(emailsOf(users)).toEqual([owner, member]);
  expect(await program.removeUser(token, users[1].id)).toEqual({ ok: true, content: true });
  expect(emailsOf((await program.users(token)).content)).toEqual([owner]);
});

test("an imported user signs in with the password of the original, whose hash is replaced", async () => {
  const email = next();
  await using folder = await temporaryFolder();
  const file = join(folder.path, "users.csv");
  const header = "id,email,email_verified,created_at,password_hash";
  await writeFile(file, `${header}\n1,${email},t,2023-01-02 03:04:05,${await hash("userpw", 10)}\n`);
  const { body } = await stack.ask("GET", "/dev/status");
  const environment = { MONGODB_URI: body.database.uri };
  const { status } = await runCli(["db", "import", "--from", "csv", file, "--apply"], environment);
  expect(status).toBe(0);
  const identifier = await stack.database.collection("identifiers").findOne({ identifierValue: email });
  const stored = () => stack.database.collection("passwords").findOne({ userId: identifier?.userId });
  expect((await stored())?.hash).toMatch(/^\$2[aby]\$10\$/);
  const { text } = await backend.login(email);
  expect(await me(JSON.parse(text))).toMatchObject({ id: identifier?.userId, email, role: 50 });
  expect((await stored())?.hash).toMatch(/^\$argon2id\$/);
  expect((await backend.login(email)).status).toBe(200);
});
