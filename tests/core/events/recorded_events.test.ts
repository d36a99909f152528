import { readFile } from "node:fs/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DAY } from "#core/clock.ts";
import { findPerson } from "#core/personal_data/find_person.ts";
import { eraseAccount } from "#core/personal_data/personal_data.ts";
import { REPOSITORIES } from "#core/repositories/all.ts";
import { EVENT_TYPES, type EventType } from "#core/repositories/outbox.ts";
import { hasOutbox } from "#core/repositories/outboxes.ts";
import { PersonalDocuments } from "#core/repositories/personal_documents.ts";
import { serveJob } from "#entry/job.ts";
import { handler as removeTrials } from "#jobs/remove_unredeemed_trials.ts";
import { runCli } from "#tests/support/cli.ts";
import { lambdaContext } from "#tests/support/lambda_event.ts";
import { codeIn, linkRequest, startNest, type TestNest, type Tokens, V1, V2 } from "#tests/support/nest.ts";

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
  nest.clock.advance(1);
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

test("the first sign-in of an address records its user, its address, the proof and the session, and the next one the session only", async () => {
  const rows = await nest.moveEvents();
  const [sessionId = ""] = await sessionIds();
  const target = { type: "user", id: ada.user_id };
  const address = await nest.collection("identifiers").findOne({});
  const identifier = { type: "identifier", id: address?._id };
  expect(Object.fromEntries(rows.map((row) => [row.action, row.target]))).toEqual({
    ...{ "user.created": target, "identifier.added": identifier, "identifier.verified": identifier },
    "user.signed_in": { type: "session", id: sessionId },
  });
  expect(rows).toHaveLength(4);
  for (const row of rows)
    expect(row).toMatchObject({
      actor: target,
      ...{ userId: ada.user_id, sessionId, clientId: ada.client_id, outcome: "success" },
      origin: { ip: "203.0.113.9" },
    });
  nest.clock.advance(1);
  const code = await nest.emailedCode();
  await nest.redeem(code);
  const later = (await nest.moveEvents()).slice(rows.length);
  expect(later).toMatchObject([
    { action: "user.signed_in", data: { grant: "authorization_code", grantId: code.split(".")[0] } },
  ]);
});

test("20 first sign-ins of one address at once record one user", async () => {
  const codes = [];
  for (let link = 0; link < 20; link++)
    codes.push(
      await nest.emailedCode({ identifier_value: "raced@example.com" }, { ip: `203.0.113.${link}` }),
    );
  const replies = await Promise.all(codes.map((code) => nest.redeem(code)));
  const signedIn = replies.filter(({ status }) => status === 200).length;
  expect(signedIn).toBeGreaterThan(0);
  const rows = (await nest.moveEvents()).filter(({ userId }) => userId !== ada.user_id);
  const count = (action: EventType) => rows.filter((row) => row.action === action).length;
  expect([count("user.created"), count("identifier.added"), count("identifier.verified")]).toEqual([1, 1, 1]);
  expect(count("user.signed_in")).toBe((await nest.collection("sessions").countDocuments()) - 1);
  expect(new Set(rows.map(({ userId }) => userId))).toEqual(
    new Set([await nest.userIdOf("raced@example.com")]),
  );
});

test("a sign-in whose response was lost is recorded once when it is repeated", async () => {
  const code = await nest.emailedCode();
  await nest.redeem(code);
  nest.clock.advance(10);
  expect((await nest.redeem(code)).status).toBe(200);
  expect(await rowsOf("user.signed_in")).toHaveLength(2);
});

test("a trial records the user of a new address with an unknown caller, and a purchase with Stripe as actor", async () => {
  expect(await nest.startTrial("trial@example.com", "198.51.100.7")).toBe("204");
  nest.clock.advance(1);
  nest.stripe.createSubscription({ email: "buyer@example.com" });
  await nest.deliverEvents();
  const created = (await rowsOf("user.created")).filter(({ userId }) => userId !== ada.user_id);
  expect(created).toMatchObject([
    {
      ...{ userId: await nest.userIdOf("trial@example.com"), actor: { type: "anonymous", id: null } },
      origin: { ip: "198.51.100.7" },
    },
    { userId: await nest.userIdOf("buyer@example.com"), actor: { type: "stripe", id: null } },
  ]);
  expect(await rowsOf("identifier.added")).toHaveLength(3);
  expect(await rowsOf("identifier.verified")).toHaveLength(1);
});

test("a choice of consent is recorded if it changes the level", async () => {
  const choose = (level: string, as: object = bearer()) =>
    nest.call(`${V1}set_marketing_consent`, { ...own(), level }, as);
  for (const level of ["general", "general", "none"]) {
    await choose(level);
    nest.clock.advance(1);
  }
  await choose("general", { internal: true });
  expect((await rowsOf("consent.updated")).map(({ actor, data }) => [actor.type, data])).toEqual([
    ["user", { level: "general", previous: null }],
    ["user", { level: "none", previous: "general" }],
    ["internal", { level: "general", previous: "none" }],
  ]);
});

test("a stolen refresh token records token.reuse_detected and the end of the session once, with an unknown caller", async () => {
  const [sessionId = ""] = await sessionIds();
  const { body: next } = await nest.refresh(ada.refresh_token);
  await nest.call(`${V2}get_user`, own(), { bearer: next.access_token });
  expect(await nest.moveEvents()).toHaveLength(4);
  nest.clock.advance(11);
  const reuse = () => nest.refresh(ada.refresh_token, {}, { ip: "198.51.100.66" });
  await Promise.all(Array.from({ length: 10 }, reuse));
  const rows = (await nest.moveEvents()).slice(4);
  expect(rows.map(({ action }) => action).sort()).toEqual(["session.revoked", "token.reuse_detected"]);
  for (const row of rows)
    expect(row).toMatchObject({
      actor: { type: "anonymous", id: null },
      ...{ target: { type: "session", id: sessionId }, userId: ada.user_id, sessionId },
      origin: { ip: "198.51.100.66" },
    });
  const [, tokenId] = ada.refresh_token.split(".");
  expect(await rowsOf("token.reuse_detected")).toMatchObject([{ data: { refreshTokenId: tokenId } }]);
});

test("a link that another device opens records at most ten failed sign-ins, and none for an address without a user", async () => {
  const wrong = { code_verifier: "another device's" };
  const code = await nest.emailedCode();
  const replies = await Promise.all(Array.from({ length: 15 }, () => nest.redeem(code, wrong)));
  expect(replies.filter(({ body }) => body.code === "incorrect_code_verifier")).toHaveLength(10);
  await nest.redeem(await nest.emailedCode({ identifier_value: "nobody@example.com" }), wrong);
  await nest.redeem(`${code.slice(0, -2)}00`);
  const rows = await rowsOf("user.sign_in_failed");
  expect(rows).toHaveLength(10);
  for (const row of rows)
    expect(row).toMatchObject({
      ...{ outcome: "failure", errorCode: "incorrect_code_verifier", userId: ada.user_id },
      ...{ actor: { type: "anonymous", id: null }, clientId: ada.client_id },
      data: { authorizationId: code.split(".")[0] },
    });
});

test("an erasure records user.deleted once, also if it was interrupted and repeated", async () => {
  const { core, mongo } = nest.gateway;
  const personalDocuments = new PersonalDocuments(mongo.database);
  personalDocuments.erase = async () => {
    throw new Error("interrupted");
  };
  const person = { userId: ada.user_id, addresses: [] };
  await expect(eraseAccount({ ...core, personalDocuments, stripe: null }, person)).rejects.toThrow(
    "interrupted",
  );
  await erase(ada.user_id);
  expect(await rowsOf("user.deleted")).toMatchObject([
    { actor: { type: "operator", id: null }, userId: ada.user_id, target: { type: "user", id: ada.user_id } },
  ]);
});

test("the job that removes the user of an unredeemed trial records user.deleted", async () => {
  expect(await nest.startTrial("trial@example.com", "198.51.100.7")).toBe("204");
  await nest.deliverEvents();
  const userId = await nest.userIdOf("trial@example.com");
  await nest.passTime(50 * DAY);
  await nest.collection("authorizations").deleteMany({});
  const run = serveJob(removeTrials.declaration, nest.gateway);
  expect(await run({ job: "remove_unredeemed_trials" }, lambdaContext())).toMatchObject({ done: 1 });
  expect(await nest.collection("users").countDocuments({ _id: userId })).toBe(0);
  expect(await rowsOf("user.deleted")).toMatchObject([
    { actor: { type: "job", id: "remove_unredeemed_trials" }, userId },
  ]);
});

test("a trial records its start once, and its first use by a status call of its user", async () => {
  for (let asked = 0; asked < 2; asked++)
    expect(await nest.startTrial("trial@example.com", "198.51.100.7")).toBe("204");
  const code = codeIn(nest.lastMail("trial@example.com"));
  await nest.deliverEvents();
  const { body } = await nest.redeem(code);
  const status = (as: object) => nest.call(`${V2}get_subscription_status`, { user_id: body.user_id }, as);
  await status({ internal: true });
  const trial = await nest.collection("trials").findOne({});
  const target = { type: "trial", id: trial?._id };
  const data = { stpSubscriptionId: trial?.stpSubscriptionId };
  expect(await rowsOf("trial.started")).toMatchObject([
    { actor: { type: "anonymous" }, userId: body.user_id, target, data, origin: { ip: "198.51.100.7" } },
  ]);
  expect(await rowsOf("trial.used")).toEqual([]);
  await Promise.all(Array.from({ length: 5 }, () => status({ bearer: body.access_token })));
  expect(await rowsOf("trial.used")).toMatchObject([
    { actor: { type: "user", id: body.user_id }, userId: body.user_id, target, data },
  ]);
});

test("a subscription records each change of its status once, however often its events are delivered", async () => {
  const { id } = nest.stripe.createSubscription({ email: "buyer@example.com" });
  await nest.deliverEvents();
  nest.clock.advance(1);
  nest.stripe.cancelSubscription(id);
  await nest.deliverEvents();
  for (const event of nest.stripe.events()) await nest.webhook({ ...event, id: `${event.id}again` });
  const rows = await rowsOf("subscription.updated");
  const stored = await nest.collection("subscriptions").findOne({ stpSubscriptionId: id });
  expect(rows.map(({ data }) => [data.previous, data.status])).toEqual([
    [null, "active"],
    ["active", "canceled"],
  ]);
  for (const row of rows)
    expect(row).toMatchObject({
      ...{ actor: { type: "stripe", id: null }, userId: stored?.userId },
      ...{ target: { type: "subscription", id: stored?._id }, data: { stpSubscriptionId: id } },
    });
});

test("an erasure leaves no event on the trial that it keeps", async () => {
  expect(await nest.startTrial("trial@example.com", "198.51.100.7")).toBe("204");
  const before = await nest.collection("trials").findOne({});
  expect(before).toHaveProperty("eventsDueAt");
  await nest.collection("subscriptions").updateMany({}, { $set: { status: "canceled" } });
  await erase("trial@example.com");
  const trial = await nest.collection("trials").findOne({});
  expect(trial?.userId).toMatch(/^erased_/);
  expect([trial?.events, trial?.eventsDueAt]).toEqual([undefined, undefined]);
  expect(await rowsOf("trial.started")).toMatchObject([{ userId: before?.userId }]);
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

test("audit list filters by user and action, and lists the known actions if one is unknown", async () => {
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

test("audit export prints every row of a time once, as JSON Lines with the newest first", async () => {
  await rowsOf("user.signed_in");
  const [row] = await nest.collection("audit_logs").find().toArray();
  const stored = Array.from({ length: 1_002 }, (_, number) => ({
    ...row,
    ...{ _id: `audit_${String(number).padStart(4, "0")}`, occurredAt: "2025-03-01T10:00:00.000Z" },
  }));
  await nest.collection("audit_logs").insertMany(stored as never[]);
  const { printed } = await cli("audit", "export", "--from", "2025-03-01", "--to", "2025-03-02");
  const ids = printed
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line)._id);
  expect(ids).toEqual(stored.map(({ _id }) => _id).reverse());
  expect((await cli("audit", "export", "--to", "2025-03-01")).printed).toBe("");
  expect(await cli("audit", "export", "--from", "yesterday")).toMatchObject({ status: 2 });
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
