import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { handler as acceptInvite } from "#methods/2026-12-01/accounts/accept_account_invite.ts";
import { handler as addAccountUser } from "#methods/2026-12-01/accounts/add_account_user.ts";
import { handler as deleteUser } from "#methods/2026-12-01/users/delete_user.ts";
import { atOnce } from "#tests/support/concurrency.ts";
import { type Interrupted, interruptedCall } from "#tests/support/interrupted_call.ts";
import { addUser, as, newMember, newOwner, type Owner, userToAdd } from "#tests/support/members.ts";
import { BUSY_MACHINE, linkIn, NATIVE, type Reply, startNest, type TestNest } from "#tests/support/nest.ts";
import { V3 } from "#tests/support/plans.ts";

const CALLERS = 50;

let nest: TestNest;
beforeAll(async () => {
  const environment = { LIMIT_ADDED_USERS_PER_ACCOUNT: "0", LIMIT_VERIFICATION_FAILURES_PER_NETWORK: "0" };
  nest = await startNest({ slowdown: BUSY_MACHINE, environment });
});
afterAll(() => nest.stop());

const invite = (from: Owner, to: Owner, more: object = {}): Promise<Reply> =>
  addUser(nest, from, {
    ...{ identifier_value: to.address, password: undefined, account_id: from.account_id, ...more },
  });

/** Invites a person after the last second is over. @returns the token in the mail */
async function invitation(from: Owner, to: Owner, more: object = {}): Promise<string> {
  nest.clock.advance(61);
  const { status, raw } = await invite(from, to, more);
  expect([status, raw]).toEqual([200, expect.any(String)]);
  const token = linkIn(nest.lastMail(to.address)).searchParams.get("token") ?? "";
  nest.clock.advance(61);
  return token;
}

const accept = (person: Owner, token: string): Promise<Reply> =>
  as(nest, person, "accept_account_invite", { client_id: NATIVE, token });
const remove = (from: Owner, { user_id }: Owner): Promise<Reply> =>
  as(nest, from, "remove_account_user", { account_id: from.account_id, user_id });

const deleteOf = ({ user_id }: Owner): Promise<Reply> =>
  nest.call(`${V3}delete_user`, { user_id }, { internal: true });

/** Makes a call of a person, and does something else just before one of its writes. @returns status and error code of the call */
async function interrupted({ by, ...call }: Omit<Interrupted, "bearer"> & { by: Owner }): Promise<unknown[]> {
  const { status, body } = await interruptedCall(nest, { ...call, bearer: by.access_token });
  return [status, body.code];
}

/** Active memberships of a person in the account of another. */
const memberships = ({ account_id: accountId }: Owner, { user_id: userId }: Owner) =>
  nest.collection("account_members").countDocuments({ accountId, userId, removedAt: null });
/** How many calls succeeded. The others must be refused with one of the codes. */
function successes(replies: readonly Reply[], ...codes: string[]): number {
  for (const { status, body, raw } of replies) if (status !== 200) expect(codes, raw).toContain(body.code);
  return replies.filter(({ status }) => status === 200).length;
}

describe("accept_account_invite", () => {
  test("leaves one member when 50 calls accept one invitation at once", async () => {
    const [head, person] = [await newOwner(nest), await newOwner(nest)];
    const token = await invitation(head, person);
    const replies = await atOnce(() => accept(person, token), CALLERS);
    expect(successes(replies, "verification_not_found")).toBe(1);
    expect(await memberships(head, person)).toBe(1);
  });

  test("brings nobody back when 50 calls accept an invitation and remove its person at once", async () => {
    const [head, person] = [await newOwner(nest), await newOwner(nest)];
    await accept(person, await invitation(head, person));
    const token = await invitation(head, person);
    const replies = await atOnce(
      (each) => (each % 2 === 0 ? accept(person, token) : remove(head, person)),
      CALLERS,
    );
    const [accepted, removed] = [0, 1].map((kind) => replies.filter((_reply, each) => each % 2 === kind));
    expect(successes(removed ?? [])).toBe(CALLERS / 2);
    expect(successes(accepted ?? [], "verification_not_found")).toBeLessThanOrEqual(1);
    expect(await memberships(head, person)).toBe(0);
    expect((await accept(person, token)).status).toBe(404);
  });

  test("adds one member when 50 calls accept an invitation while another call replaces it", async () => {
    const [head, person] = [await newOwner(nest), await newOwner(nest)];
    const token = await invitation(head, person);
    const [replaced, ...replies] = await atOnce(
      (each) => (each === 0 ? invite(head, person) : accept(person, token)),
      CALLERS,
    );
    expect(replaced?.status).toBe(200);
    const accepted = successes(replies, "verification_not_found");
    expect(accepted).toBeLessThanOrEqual(1);
    expect(await memberships(head, person)).toBe(accepted);
    const next = linkIn(nest.lastMail(person.address)).searchParams.get("token") ?? "";
    expect((await accept(person, next)).status).toBe(200);
    expect(await memberships(head, person)).toBe(1);
  });

  test("leaves no account without an owner when 50 calls accept an invitation of an owner who is deleted at once", async () => {
    const [head, person] = [await newOwner(nest), await newOwner(nest)];
    const token = await invitation(head, person);
    const replies = await atOnce(
      (each) => (each % 2 === 0 ? accept(person, token) : deleteOf(head)),
      CALLERS,
    );
    const [accepts, deletes] = [0, 1].map((kind) => replies.filter((_reply, each) => each % 2 === kind));
    const accepted = successes(accepts ?? [], "verification_not_found", "unavailable");
    const deleted = successes(deletes ?? [], "last_owner");
    expect([accepted, deleted > 0 ? 1 : 0].sort()).toEqual([0, 1]);
    expect(await memberships(head, person)).toBe(accepted);
  });

  const NOT_FOUND = [404, "verification_not_found"];
  const INSERT = "AccountMemberRepository.insert";

  test.each([
    ["the person is removed", (head: Owner, _inviting: Owner, person: Owner) => remove(head, person)],
    ["the inviting member is removed", (head: Owner, inviting: Owner) => remove(head, inviting)],
  ])("makes nobody a member if %s just before the membership is stored", async (event, meanwhile) => {
    const [head, person] = [await newOwner(nest), await newOwner(nest)];
    await accept(person, await invitation(head, person));
    const inviting = await newMember(nest, head, "admin");
    await nest
      .collection("identifiers")
      .updateMany({ userId: inviting.user_id }, { $set: { verifiedAt: nest.clock.now().toISOString() } });
    const token = await invitation(inviting, person);
    if (event.startsWith("the inviting")) {
      await nest
        .collection("account_members")
        .deleteMany({ userId: person.user_id, accountId: head.account_id });
    }
    const body = { client_id: NATIVE, token };
    const during = () => meanwhile(head, inviting, person);
    const answer = await interrupted({
      handler: acceptInvite,
      by: person,
      body,
      write: INSERT,
      meanwhile: during,
    });
    expect([answer, await memberships(head, person)]).toEqual([NOT_FOUND, 0]);
    expect((await accept(person, token)).status).toBe(404);
  });

  test("repeats a call that stopped, and gives another role if a simultaneous call deletes the invited one", async () => {
    const [head, person] = [await newOwner(nest), await newOwner(nest)];
    const role = { scope: "account", key: "billing", name: "Billing", level: 60, capabilities: [] };
    expect((await nest.call(`${V3}set_role`, role, { internal: true })).status).toBe(200);
    const token = await invitation(head, person, { role_key: "billing" });
    const body = { client_id: NATIVE, token };
    const repetition = { handler: acceptInvite, by: person, body, write: "RoleRepository.recordGrant" };
    const stopped = await interrupted({
      ...repetition,
      meanwhile: () => Promise.reject(new Error("The process stopped.")),
    });
    expect([stopped[0], await memberships(head, person)]).toEqual([500, 1]);
    nest.clock.advance(61);
    const meanwhile = () => nest.collection("roles").deleteMany({});
    expect(await interrupted({ ...repetition, meanwhile })).toEqual([404, "role_not_found"]);
    const { account_id: accountId } = head;
    expect(
      await nest.collection("account_members").findOne({ accountId, userId: person.user_id }),
    ).toMatchObject({ role: "member", removedAt: null });
  });

  test("makes nobody a member of an account whose only owner is deleted just before the membership is stored", async () => {
    const [head, person] = [await newOwner(nest), await newOwner(nest)];
    const body = { client_id: NATIVE, token: await invitation(head, person) };
    const meanwhile = async () => expect((await deleteOf(head)).status).toBe(200);
    const answer = await interrupted({ handler: acceptInvite, by: person, body, write: INSERT, meanwhile });
    expect([answer, await memberships(head, person)]).toEqual([NOT_FOUND, 0]);
  });

  test.each([
    ["AccountRepository.decideLeaving", [409, "last_owner"], 200],
    ["UserRepository.markDeleted", [200, undefined], 404],
  ])(
    "and the deletion of the only owner decide for one of them, just before %s",
    async (write, expected, status) => {
      const [head, person] = [await newOwner(nest), await newOwner(nest)];
      const token = await invitation(head, person);
      let accepted = 0;
      const meanwhile = async () => {
        accepted = (await accept(person, token)).status;
      };
      const answer = await interrupted({ handler: deleteUser, by: head, write, meanwhile });
      expect([answer, accepted]).toEqual([expected, status]);
      expect(await memberships(head, person)).toBe(status === 200 ? 1 : 0);
    },
  );
});

describe("add_account_user", () => {
  test("adds nobody to an account whose only owner is deleted just before the membership is stored", async () => {
    const head = await newOwner(nest);
    const meanwhile = async () => expect((await deleteOf(head)).status).toBe(200);
    const write = "AccountMemberRepository.insert";
    const body = userToAdd();
    const answer = await interrupted({ handler: addAccountUser, by: head, body, write, meanwhile });
    expect(answer).toEqual([401, "unauthorized"]);
    const left = { accountId: head.account_id, removedAt: null };
    expect(await nest.collection("account_members").countDocuments(left)).toBe(0);
  });
});
