import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DAY } from "#core/clock.ts";
import { serveJob } from "#entry/job.ts";
import { handler as eraseJob } from "#jobs/erase_deleted_users.ts";
import { atOnce } from "#tests/support/concurrency.ts";
import { addIdentifier, email, sentSecret, verify } from "#tests/support/identifiers.ts";
import { lambdaContext } from "#tests/support/lambda_event.ts";
import { newMember, newOwner } from "#tests/support/members.ts";
import {
  BUSY_MACHINE,
  type CallOptions,
  codeIn,
  type Reply,
  startNest,
  type TestNest,
  type Tokens,
  V2,
} from "#tests/support/nest.ts";
import { givePassword, register, signInWith } from "#tests/support/passwords.ts";
import { V3 } from "#tests/support/plans.ts";
import { giveRole, setRoles } from "#tests/support/roles.ts";

const INTERNAL: CallOptions = { internal: true };

let nest: TestNest;
beforeAll(async () => {
  nest = await startNest({
    slowdown: BUSY_MACHINE,
    environment: { LIMIT_FAILURES_PER_NETWORK: "0", LIMIT_PASSWORD_FAILURES_PER_NETWORK: "0" },
  });
});
afterAll(() => nest.stop());

let people = 0;
const newAddress = () => `deleted-${++people}@example.com`;
const remove = (user_id: string, options = INTERNAL): Promise<Reply> =>
  nest.call(`${V3}delete_user`, { user_id }, options);
const removeOwn = ({ access_token: bearer }: Tokens) => nest.call(`${V3}delete_user`, undefined, { bearer });
const codeOf = ({ status, body }: Reply) => [status, body.code];
const isAlive = async ({ access_token: bearer }: Tokens) =>
  (await nest.call(`${V3}get_user`, {}, { bearer })).status === 200;
const userOf = (_id: string) => nest.collection("users").findOne({ _id: _id as never });
const runJob = () =>
  serveJob(eraseJob.declaration, nest.gateway)({ job: "erase_deleted_users" }, lambdaContext("r1"));

describe("delete_user", () => {
  test("ends every session, frees the addresses at once, and mails a notice; a sign-in makes another user", async () => {
    const address = newAddress();
    const second = newAddress();
    const person = await nest.signIn(address);
    await addIdentifier(nest, person, email(second));
    const other = await nest.signIn(address);
    const { status, body } = await removeOwn(person);
    expect([status, body]).toEqual([200, { deleted_at: expect.stringMatching(/Z$/) }]);
    expect(await Promise.all([person, other].map(isAlive))).toEqual([false, false]);
    expect(codeOf(await nest.refresh(other.refresh_token))).toEqual([400, "authorization_not_found"]);
    for (const one of [address, second]) expect(nest.lastMail(one).subject).toMatch(/was deleted/);
    for (const one of [address, second]) expect((await nest.signIn(one)).user_id).not.toBe(person.user_id);
    const shown = await nest.call(`${V3}get_user`, { user_id: person.user_id }, INTERNAL);
    expect(shown.body).toMatchObject({ status: "deleted", email: null });
    const rows = (await nest.moveEvents()).filter(({ userId }) => userId === person.user_id);
    const counted = (action: string) => rows.filter((row) => row.action === action).length;
    expect(["user.deleted", "session.revoked", "identifier.removed"].map(counted)).toEqual([1, 2, 2]);
    expect(rows.find(({ action }) => action === "user.deleted")).toMatchObject({
      ...{ actor: { type: "user", id: person.user_id }, outcome: "success" },
    });
  });

  test("records the removal of a user whose first session was made with the user", async () => {
    const { body } = await register(nest, { identifier_value: newAddress() });
    expect((await remove(String(body.user_id))).status).toBe(200);
    const rows = (await nest.moveEvents()).filter(({ userId }) => userId === body.user_id);
    expect(rows.map(({ action }) => action)).toEqual(
      expect.arrayContaining(["user.signed_in", "user.deleted"]),
    );
  });

  test("records the removal of a user whose imported id has another form", async () => {
    const { body } = await register(nest, { identifier_value: newAddress() });
    const users = nest.collection("users");
    const user = await users.findOne({ _id: body.user_id as never });
    await users.insertOne({ ...user, _id: "user_imported" as never });
    expect((await remove("user_imported")).status).toBe(200);
    const rows = (await nest.moveEvents()).filter(({ userId }) => userId === "user_imported");
    expect(rows.map(({ action }) => action)).toContain("user.deleted");
  });

  test("refuses a sign-in that is not fresh, and other users whether or not they exist", async () => {
    const person = await nest.signIn(newAddress());
    const other = await nest.signIn(newAddress());
    const as = { bearer: person.access_token };
    const replies = await Promise.all([other.user_id, "user_nobody"].map((id) => remove(id, as)));
    expect(replies.map(({ status, raw }) => [status, raw])).toEqual(
      Array(2).fill([403, '{"code":"access_denied"}']),
    );
    nest.clock.advance(601);
    expect(codeOf(await removeOwn(person))).toEqual([403, "reauthentication_required"]);
    expect(await isAlive(person)).toBe(true);
  });

  test("lets a writer of users delete those whose roles allow no more, and keeps the last administrator", async () => {
    const [writer, desk, admin] = [
      await nest.signIn(newAddress()),
      await nest.signIn(newAddress()),
      await nest.signIn(newAddress()),
    ];
    await giveRole(nest, { key: "eraser", user_id: writer.user_id, capabilities: ["users.write"] });
    await setRoles(nest, admin.user_id, ["admin"]);
    const as = { bearer: writer.access_token };
    expect(codeOf(await remove(admin.user_id, as))).toEqual([403, "capability_escalation"]);
    expect(codeOf(await remove("user_nobody", as))).toEqual([404, "user_not_found"]);
    expect((await remove(desk.user_id, as)).status).toBe(200);
    expect(codeOf(await remove(admin.user_id))).toEqual([409, "last_admin"]);
    await setRoles(nest, writer.user_id, ["admin"]);
    expect((await remove(admin.user_id)).status).toBe(200);
    expect(await userOf(admin.user_id)).not.toHaveProperty("roles");
  });

  test("refuses a user with a subscription until it has ended", async () => {
    const address = newAddress();
    const person = await nest.signIn(address);
    const { id } = nest.stripe.createSubscription({ email: address });
    await nest.deliverEvents();
    expect(codeOf(await removeOwn(person))).toEqual([409, "active_subscription"]);
    expect(await isAlive(person)).toBe(true);
    nest.stripe.cancelSubscription(id);
    await nest.deliverEvents();
    expect((await removeOwn(person)).status).toBe(200);
  });

  test("keeps the only owner of an account that has another member", async () => {
    const owner = await newOwner(nest);
    await newMember(nest, owner);
    expect(codeOf(await removeOwn(owner))).toEqual([409, "last_owner"]);
    expect(await isAlive(owner)).toBe(true);
  });

  test("deletes a user whose subscription was canceled and runs out", async () => {
    const address = newAddress();
    const person = await nest.signIn(address);
    const { id } = nest.stripe.createSubscription({ email: address });
    nest.stripe.cancelSubscription(id, { isAtPeriodEnd: true });
    await nest.deliverEvents();
    expect((await removeOwn(person)).status).toBe(200);
    nest.stripe.cancelSubscription(id);
    await nest.deliverEvents();
  });

  test("cancels a trial that anybody started, and gives the address a trial and another user afterwards", async () => {
    const address = newAddress();
    const network = "203.0.113.77";
    await nest.startTrial(address, network);
    await nest.deliverEvents();
    const person = await nest.signIn(address);
    expect((await removeOwn(person)).status).toBe(200);
    await nest.deliverEvents();
    const ofPerson = { userId: person.user_id };
    expect(await nest.collection("subscriptions").find(ofPerson).toArray()).toMatchObject([
      { status: "canceled" },
    ]);
    await nest.startTrial(address, network);
    const again = await nest.redeem(codeIn(nest.lastMail(address)));
    expect(again.status).toBe(200);
    expect(again.body.user_id).not.toBe(person.user_id);
    expect(await nest.collection("trials").findOne({ identifierValue: address })).toMatchObject({
      userId: again.body.user_id,
    });
  });

  test("signs another user in with the address, also by a trial link that was sent before the deletion", async () => {
    const address = newAddress();
    await nest.startTrial(address, "203.0.113.78");
    const before = codeIn(nest.lastMail(address));
    const person = await nest.signIn(address);
    await removeOwn(person);
    const first = await nest.redeem(before);
    await nest.startTrial(address, "203.0.113.78");
    const second = await nest.redeem(await nest.emailedCode({ identifier_value: address }));
    for (const { body } of [first, second].filter(({ status }) => status === 200))
      expect(body.user_id).not.toBe(person.user_id);
    expect(second.status).toBe(200);
    await nest.deliverEvents();
  });

  test("ends memberships, so that the owner who is left alone can be deleted", async () => {
    const owner = await nest.signIn(newAddress());
    const other = await nest.signIn(newAddress());
    const { accountId } = (await nest
      .collection("account_members")
      .findOne({ userId: owner.user_id })) as never;
    const ghost = { _id: "acctmem_ghost" as never, userId: other.user_id, removedAt: null };
    const member = { accountId, role: "member", status: "active", createdAt: nest.clock.now().toISOString() };
    await nest.collection("account_members").insertOne({ ...ghost, ...member });
    expect(codeOf(await remove(owner.user_id))).toEqual([409, "last_owner"]);
    expect((await remove(other.user_id)).status).toBe(200);
    const active = { userId: other.user_id, removedAt: null };
    expect(await nest.collection("account_members").countDocuments(active)).toBe(0);
    const rows = (await nest.moveEvents()).filter(({ userId }) => userId === other.user_id);
    expect(rows.filter(({ action }) => action === "account.user_removed")).toHaveLength(2);
    // As if the deletion had stopped before the membership ended.
    await nest.collection("account_members").updateOne({ _id: ghost._id }, { $set: { removedAt: null } });
    expect((await remove(owner.user_id)).status).toBe(200);
  });

  test("keeps an administrator if the only other one never proved an address", async () => {
    await nest.collection("users").updateMany({ roles: "admin" }, { $unset: { roles: "" } });
    const admin = await nest.signIn(newAddress());
    const other = await nest.signIn(newAddress());
    await setRoles(nest, admin.user_id, ["admin"]);
    await setRoles(nest, other.user_id, ["admin"]);
    await nest.collection("identifiers").updateOne({ userId: other.user_id }, { $set: { verifiedAt: null } });
    expect(codeOf(await remove(admin.user_id))).toEqual([409, "last_admin"]);
  });

  test("deletes a user once when 20 calls race, and records it once", async () => {
    const person = await nest.signIn(newAddress());
    const replies = await atOnce(() => remove(person.user_id), 20);
    expect(new Set(replies.map(({ status, body }) => `${status} ${body.deleted_at}`)).size).toBe(1);
    const rows = (await nest.moveEvents()).filter(({ userId }) => userId === person.user_id);
    expect(rows.filter(({ action }) => action === "user.deleted")).toHaveLength(1);
    expect(rows.filter(({ action }) => action === "session.revoked")).toHaveLength(1);
  });

  test("leaves no session of the user when 20 sign-ins by password and 5 by link race the deletion", async () => {
    const address = newAddress();
    const user_id = await givePassword(nest, address);
    const links = [await nest.emailedCode({ identifier_value: address })];
    const racing: Promise<Reply>[] = [];
    for (let each = 0; each < 20; each++) {
      racing.push(signInWith(nest, address));
      if (each === 6) racing.push(remove(user_id));
      if (each === 8) racing.push(...links.map((code) => nest.redeem(code)));
    }
    const issued = (await Promise.all(racing)).filter(({ body }) => body?.access_token !== undefined);
    for (const { body } of issued)
      expect([body.user_id === user_id, await isAlive(body)]).not.toEqual([true, true]);
    const active = await nest.collection("identifiers").find({ identifierValue: address, removedAt: null });
    for (const { userId } of await active.toArray()) expect(userId).not.toBe(user_id);
  });

  test("adds no address to a deleted user whose proof runs meanwhile", async () => {
    const person = await nest.signIn(newAddress());
    const second = newAddress();
    const { proof } = await sentSecret(nest, person, { ...email(second), delivery: "code" });
    await Promise.all([verify(nest, proof), removeOwn(person)]);
    const found = { identifierValue: second, removedAt: null };
    expect(await nest.collection("identifiers").findOne(found)).toBeNull();
  });
});

describe("erase_deleted_users", () => {
  test("erases everything but the audit rows after 30 days, not before, and keeps the new user of the address", async () => {
    const address = newAddress();
    const person = await nest.signIn(address);
    await removeOwn(person);
    const { user_id: newer } = await nest.signIn(address);
    nest.clock.advance(30 * DAY - 60);
    await runJob();
    expect(await userOf(person.user_id)).not.toBeNull();
    nest.clock.advance(120);
    expect((await runJob()).done).toBeGreaterThan(0);
    expect(await nest.dump({ without: "audit_logs" })).not.toContain(person.user_id);
    expect((await userOf(newer))?._id).toBe(newer);
    const rows = await nest.collection("audit_logs").find({ userId: person.user_id }).toArray();
    expect(rows.filter(({ action }) => action === "user.deleted")).toHaveLength(1);
    expect(rows.filter((row) => "origin" in row)).toEqual([]);
    expect(codeOf(await remove(person.user_id))).toEqual([404, "user_not_found"]);
  });

  test("completes a deletion that stopped, and frees the address", async () => {
    const address = newAddress();
    const { user_id } = await nest.signIn(address);
    const at = nest.clock.now().toISOString();
    const stopped = { status: "deleted", deletedAt: at, eraseAt: at };
    await nest.collection("users").updateOne({ _id: user_id as never }, { $set: stopped });
    expect((await nest.call(`${V2}get_user`, { user_id }, INTERNAL)).status).toBe(200);
    expect((await runJob()).done).toBe(1);
    expect((await nest.signIn(address)).user_id).not.toBe(user_id);
    expect(String((await userOf(user_id))?.eraseAt) > at).toBe(true);
  });

  test("erases each user once when five runs overlap, and keeps one whose subscription runs", async () => {
    nest.clock.advance(31 * DAY);
    await runJob();
    const gone = [];
    for (let each = 0; each < 4; each++) gone.push((await nest.signIn(newAddress())).user_id);
    for (const user_id of gone) await remove(user_id);
    const address = newAddress();
    const paying = await nest.signIn(address);
    await remove(paying.user_id);
    await nest.collection("users").updateOne({ _id: paying.user_id as never }, { $unset: { status: "" } });
    nest.clock.advance(31 * DAY);
    await nest.collection("subscriptions").insertOne({
      ...{ _id: "sub_of_deleted" as never, userId: paying.user_id, stpSubscriptionId: "sub_1" },
      ...{ stpCustomerId: "cus_1", status: "active", rejectedAt: null, refundedAt: null },
    });
    const runs = await Promise.all(Array.from({ length: 5 }, runJob));
    expect(runs.reduce((sum, { done }) => sum + done, 0)).toBe(4);
    expect(runs.reduce((sum, { pending, failed }) => sum + pending * 10 + failed, 0)).toBe(10);
    expect(await Promise.all(gone.map(userOf))).toEqual([null, null, null, null]);
    await nest.collection("subscriptions").deleteOne({ _id: "sub_of_deleted" as never });
    nest.clock.advance(3_601);
    expect((await runJob()).done).toBe(1);
    expect(nest.logged("user_not_erased")).toMatchObject([{ must_wait: true }]);
  });
});
