import { readFile } from "node:fs/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { eraseAccount, findPerson } from "#core/personal_data/personal_data.ts";
import { REPOSITORIES } from "#core/repositories/all.ts";
import { EVENT_TYPES, type EventType } from "#core/repositories/outbox.ts";
import { hasOutbox } from "#core/repositories/outboxes.ts";
import { PersonalDocuments } from "#core/repositories/personal_documents.ts";
import { runCli } from "#tests/support/cli.ts";
import { linkRequest, startNest, type TestNest, type Tokens, V1, V2 } from "#tests/support/nest.ts";

let nest: TestNest;
let ada: Tokens;
beforeEach(async () => {
  nest = await startNest();
  ada = await nest.signIn();
});
afterEach(() => nest.stop());

const own = () => ({ user_id: ada.user_id });
const bearer = () => ({ bearer: ada.access_token });

/** Moves every event. @returns the rows of an action, the oldest first */
const rowsOf = async (action: EventType) => (await nest.moveEvents()).filter((row) => row.action === action);

async function sessionIds(): Promise<string[]> {
  const { body } = await nest.call(`${V2}list_sessions`, own(), { internal: true });
  return body.map(({ id }: { id: string }) => id);
}

async function erase(subject: string): Promise<void> {
  const { core, mongo } = nest.gateway;
  const accounts = { ...core, stripe: null, personalDocuments: new PersonalDocuments(mongo.database) };
  await eraseAccount(accounts, await findPerson(accounts, subject));
}

const cli = (...args: string[]) => runCli(args, { MONGODB_URI: nest.mongoUri });

test("signing out records session.revoked once, with actor, target, call and origin", async () => {
  const [sessionId = ""] = await sessionIds();
  const signOut = () =>
    nest.call(
      `${V2}revoke_token`,
      { client_id: ada.client_id, refresh_token: ada.refresh_token },
      { ip: "198.51.100.7" },
    );
  const { headers } = await signOut();
  await signOut();
  const [row, ...others] = await rowsOf("session.revoked");
  expect(others).toEqual([]);
  expect(row).toMatchObject({
    actor: { type: "user", id: ada.user_id },
    target: { type: "session", id: sessionId },
    ...{ userId: ada.user_id, clientId: ada.client_id, sessionId, requestId: headers["request-id"] },
    ...{ outcome: "success", errorCode: null, data: { reason: "signed_out" } },
    origin: { ip: "198.51.100.7" },
  });
});

test("revoke_session records session.revoked with the user or the internal key as actor, and once when calls race", async () => {
  const [mine = ""] = await sessionIds();
  await nest.signIn();
  const other = (await sessionIds()).find((id) => id !== mine);
  const revoke = (session_id: string | undefined, as: object) =>
    nest.call(`${V2}revoke_session`, { ...own(), session_id }, as);
  await Promise.all(Array.from({ length: 10 }, () => revoke(other, bearer())));
  await revoke(mine, { internal: true });
  const rows = await rowsOf("session.revoked");
  expect(rows.map(({ actor, target, data }) => [actor.type, target.id, data])).toEqual([
    ["user", other, { reason: "revoked_by_user" }],
    ["internal", mine, { reason: "revoked_by_user" }],
  ]);
  expect(rows.map(({ sessionId }) => sessionId)).toEqual([mine, null]);
});

test("an operator's command records session.revoked with the operator as actor and no origin", async () => {
  expect(await cli("sessions", "revoke", ada.user_id, "--yes")).toMatchObject({ status: 0 });
  const [row] = await rowsOf("session.revoked");
  expect(row).toMatchObject({
    actor: { type: "operator", id: null },
    data: { reason: "revoked_by_operator" },
  });
  expect(row).not.toHaveProperty("origin");
});

test("a call that changes nothing records nothing", async () => {
  await nest.call(`${V2}revoke_session`, { ...own(), session_id: "session_none" }, bearer());
  await nest.call(`${V2}revoke_token`, { client_id: ada.client_id, refresh_token: `01.x.${"0".repeat(64)}` });
  expect(await rowsOf("session.revoked")).toEqual([]);
});

test("an erasure keeps rows and pending events, without address, IP address and user agent", async () => {
  const { refresh_token, client_id } = await nest.signIn();
  await rowsOf("session.revoked");
  await nest.call(`${V2}revoke_token`, { client_id, refresh_token });
  const pending = await nest.collection("sessions").findOne({ eventsDueAt: { $exists: true } });
  expect(pending).not.toBeNull();
  await erase(ada.user_id);
  const rows = await nest.gateway.core.auditLogs.list({ userId: ada.user_id }, 100);
  const reasons = rows.filter(({ action }) => action === "session.revoked").map(({ data }) => data.reason);
  expect(reasons.sort()).toEqual(["revoked_by_operator", "signed_out"]);
  for (const row of rows) {
    expect(row).not.toHaveProperty("origin");
    expect(row).not.toHaveProperty("originUntil");
  }
  expect(JSON.stringify(rows)).not.toMatch(/@|203\.0\.113/);
  // The rows are all that is left, and the job finds nothing to move.
  expect(await rowsOf("session.revoked")).toHaveLength(2);
  expect(await nest.collection("sessions").countDocuments({ userId: ada.user_id })).toBe(0);
});

test("no row holds an address, a secret or a token", async () => {
  const code = await nest.emailedCode();
  const { body } = await nest.redeem(code);
  await nest.refresh(body.refresh_token);
  await nest.call(`${V2}create_trial_and_magic_link`, linkRequest({ identifier_value: "bob@example.com" }));
  await nest.call(`${V1}set_marketing_consent`, { ...own(), level: "general" }, bearer());
  await nest.call(`${V2}revoke_token`, { client_id: ada.client_id, refresh_token: ada.refresh_token });
  const rows = JSON.stringify(await rowsOf("session.revoked"));
  expect(rows).toContain(ada.user_id);
  const all = JSON.stringify(await nest.collection("audit_logs").find().toArray());
  expect(all).not.toContain("@");
  for (const secret of [code, body.refresh_token, body.access_token, ada.refresh_token])
    for (const part of secret.split(".").filter((one: string) => one.length > 20)) {
      if (!part.includes("_")) expect(all).not.toContain(part);
    }
});

test("audit list filters by user and action, and names the actions that there are", async () => {
  const bob = await nest.signIn("bob@example.com");
  for (const { client_id, refresh_token } of [ada, bob])
    await nest.call(`${V2}revoke_token`, { client_id, refresh_token });
  await rowsOf("session.revoked");
  const listed = await cli(
    "audit",
    "list",
    "--user",
    "bob@example.com",
    "--action",
    "session.revoked",
    "--json",
  );
  expect(JSON.parse(listed.printed)).toMatchObject([{ userId: bob.user_id, action: "session.revoked" }]);
  const words = (await cli("audit", "list", "--action", "session.revoked")).printed;
  expect(words).toContain(`user ${ada.user_id}`);
  expect(words).toContain("reason=signed_out ip=203.0.113.9");
  expect(await cli("audit", "list", "--action", "session.made")).toMatchObject({
    status: 1,
    printed: expect.stringContaining("session.revoked"),
  });
  expect(await cli("audit", "list", "--user", "nobody@example.com")).toMatchObject({ status: 1 });
  expect((await cli("audit", "list", "--user", "user_gone")).printed).toContain("no such row");
  expect(await cli("audit", "list", "--limit", "0")).toMatchObject({ status: 2 });
});

test("the page on the audit log names every action, and no other", async () => {
  const page = await readFile("docs/audit.md", "utf8");
  const [, table = ""] = /\| Action \|.*\n.*\n([\s\S]*?)\n\n/.exec(page) ?? [];
  const named = table.split("\n").map((line) => /^\| `([^`]+)`/.exec(line)?.[1]);
  expect(named).toEqual([...EVENT_TYPES]);
});

test("an export leaves out the events of every collection that has them", async () => {
  expect(Object.values(REPOSITORIES).filter(hasOutbox).length).toBeGreaterThan(0);
  await nest.call(`${V2}revoke_token`, { client_id: ada.client_id, refresh_token: ada.refresh_token });
  const { printed } = await cli("users", "export", ada.user_id, "--json");
  expect(JSON.stringify(JSON.parse(printed))).not.toContain("eventsDueAt");
});
