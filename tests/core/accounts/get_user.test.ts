import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PHONE, redeemCode, sentCode } from "#tests/support/codes.ts";
import { startNest, type TestNest, type Tokens, V2 } from "#tests/support/nest.ts";
import { V3 } from "#tests/support/plans.ts";
import { setRoles } from "#tests/support/roles.ts";

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

let nest: TestNest;
let ada: Tokens;
beforeAll(async () => {
  nest = await startNest();
  ada = await nest.signIn();
});
afterAll(() => nest.stop());

const getUser = (body?: object, { access_token: bearer } = ada) =>
  nest.call(`${V3}get_user`, body, { bearer });
const asInternal = (body?: object) => nest.call(`${V3}get_user`, body, { internal: true });

describe("get_user of 2026-12-01", () => {
  test("returns the caller with account, role and address if it names no user", async () => {
    const { status, body } = await getUser();
    expect(status).toBe(200);
    const identifier = {
      id: expect.stringMatching(/^userident_[0-9A-Za-z]{27}$/),
      identifier_type: "email",
      identifier_value: "ada@example.com",
      created_at: expect.stringMatching(ISO),
      updated_at: expect.stringMatching(ISO),
      verified_at: expect.stringMatching(ISO),
      removed_at: null,
      is_primary: true,
      is_pending: false,
    };
    expect(body).toEqual({
      id: ada.user_id,
      created_at: expect.stringMatching(ISO),
      ...{ disabled_at: null, deleted_at: null },
      account_id: ada.user_id.replace("user_", "account_"),
      email: "ada@example.com",
      role: 100,
      role_key: "owner",
      updated_at: null,
      status: "active",
      name: null,
      locale: null,
      metadata: {},
      has_password: false,
      mfa_enabled: false,
      roles: ["user"],
      capabilities: ["account.audit.read", "account.manage", "account.users.manage", "account.users.read"],
      identifiers: [identifier],
    });
    for (const named of [{}, { user_id: ada.user_id }])
      expect((await getUser(named)).body, JSON.stringify(named)).toEqual(body);
    expect((await asInternal({ user_id: ada.user_id })).body).toEqual(body);
  });

  test("returns a null address for a user who has a phone number only", async () => {
    const presented = await sentCode(nest);
    const tokens = (await redeemCode(nest, presented)).body;
    const { email, identifiers } = (await getUser({}, tokens)).body;
    expect(email).toBeNull();
    expect(identifiers).toMatchObject([{ identifier_type: "phone", identifier_value: PHONE }]);
  });

  test("returns other users to a caller with users.read, and says that an unknown id is unknown", async () => {
    const support = await nest.signIn("support@example.com");
    await setRoles(nest, support.user_id, ["support"]);
    const { status, body } = await getUser({ user_id: ada.user_id }, support);
    expect([status, body.email]).toEqual([200, "ada@example.com"]);
    expect((await getUser({ user_id: "user_nobody" }, support)).body).toEqual({ code: "user_not_found" });
    expect((await getUser({}, support)).body).toMatchObject({
      roles: ["support", "user"],
      capabilities: expect.arrayContaining(["users.read", "account.manage"]),
    });
  });

  test("leaves the response of 2021-10-06 unchanged", async () => {
    const { body } = await nest.call(`${V2}get_user`, { user_id: ada.user_id }, { bearer: ada.access_token });
    expect(Object.keys(body)).toEqual(["id", "created_at", "identifiers"]);
    const { id, created_at, identifiers: later } = (await getUser()).body;
    const rest = { id, created_at, identifiers: later };
    const identifiers = body.identifiers.map((one: object) => ({
      ...one,
      is_primary: true,
      is_pending: false,
    }));
    expect(rest).toEqual({ ...body, identifiers });
  });

  test.each([
    ["admin", 80],
    ["member", 50],
  ])("returns the role %s with its rank %i", async (role, rank) => {
    const tokens = await nest.signIn(`${role}@example.com`);
    await nest.collection("account_members").updateOne({ userId: tokens.user_id }, { $set: { role } });
    expect((await getUser({}, tokens)).body).toMatchObject({ role: rank, role_key: role });
  });

  test("returns the account that the user's document names as the default", async () => {
    const tokens = await nest.signIn("guest@example.com");
    const guest = {
      _id: "acctmem_guest" as never,
      ...{ accountId: "account_host", userId: tokens.user_id, role: "member", status: "active" },
      ...{ createdAt: nest.clock.now().toISOString(), removedAt: null },
    };
    await nest.collection("account_members").insertOne(guest);
    expect((await getUser({}, tokens)).body).toMatchObject({ role: 100 });
    await nest
      .collection("users")
      .updateOne({ _id: tokens.user_id as never }, { $set: { defaultAccountId: "account_host" } });
    expect((await getUser({}, tokens)).body).toMatchObject({ account_id: "account_host", role: 50 });
  });

  test("returns a user of the previous release, who has no account yet, as its owner", async () => {
    const tokens = await nest.signIn("old@example.com");
    const own = await getUser({}, tokens);
    await nest.collection("account_members").deleteMany({ userId: tokens.user_id });
    await nest
      .collection("users")
      .updateOne({ _id: tokens.user_id as never }, { $unset: { defaultAccountId: "" } });
    expect((await getUser({}, tokens)).body).toEqual(own.body);
  });

  test("returns the oldest verified address that was not removed, else the oldest unverified one, and null if there is none", async () => {
    const tokens = await nest.signIn("first@example.com");
    const identifiers = nest.collection("identifiers");
    const first = await identifiers.findOne({ userId: tokens.user_id });
    const later = (seconds: number) =>
      new Date(Date.parse(String(first?.createdAt)) + seconds * 1000).toISOString();
    const add = (name: string, seconds: number, verifiedAt: string | null) =>
      identifiers.insertOne({
        ...first,
        ...{ _id: `userident_${name}` as never, identifierValue: `${name}@example.com` },
        ...{ createdAt: later(seconds), verifiedAt },
      });
    await add("pending", 1, null);
    await add("third", 3, later(3));
    await add("second", 2, later(4));
    const email = async () => (await getUser({}, tokens)).body.email;
    expect(await email()).toBe("first@example.com");
    const remove = (identifierValue: string) =>
      identifiers.updateOne({ identifierValue }, { $set: { removedAt: later(9) } });
    await remove("first@example.com");
    expect(await email()).toBe("second@example.com");
    await remove("second@example.com");
    await remove("third@example.com");
    // The address of a registration that nobody has proved.
    expect(await email()).toBe("pending@example.com");
    await remove("pending@example.com");
    expect(await email()).toBeNull();
  });

  test("refuses another user, whether or not there is one, and an internal caller who names none", async () => {
    const { user_id } = await nest.signIn("other@example.com");
    const answers = [
      await getUser({ user_id }),
      await getUser({ user_id: "user_nobody" }),
      await asInternal(),
    ];
    for (const { status, body } of answers) expect([status, body]).toEqual([403, { code: "access_denied" }]);
    expect((await nest.call(`${V3}get_user`, {})).body).toEqual({ code: "access_denied" });
    expect((await asInternal({ user_id: "user_nobody" })).body).toMatchObject({ code: "user_not_found" });
  });
});
