import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { redeemCode, redeemToken, sentCode, sentToken } from "#tests/support/codes.ts";
import { atOnce } from "#tests/support/concurrency.ts";
import {
  BUSY_MACHINE,
  MAC,
  NATIVE,
  type Reply,
  startNest,
  type TestNest,
  type Tokens,
  V1,
  V2,
} from "#tests/support/nest.ts";
import { givePassword, P2, signInWith } from "#tests/support/passwords.ts";
import { V3 } from "#tests/support/plans.ts";
import { giveRole, setRoles } from "#tests/support/roles.ts";

let nest: TestNest;
let admin: Tokens;
beforeAll(async () => {
  const environment = { LIMIT_FAILURES_PER_NETWORK: "0", LIMIT_PASSWORD_FAILURES_PER_NETWORK: "0" };
  nest = await startNest({ slowdown: BUSY_MACHINE, environment });
  admin = await nest.signIn("admin@example.com");
  await setRoles(nest, admin.user_id, ["admin"]);
});
afterAll(() => nest.stop());

let people = 0;
const newAddress = () => `person-${++people}@example.com`;
const newPerson = (): Promise<Tokens> => nest.signIn(newAddress());
const update = ({ access_token: bearer }: Tokens, body: object): Promise<Reply> =>
  nest.call(`${V3}update_user`, body, { bearer });
const setStatus = ({ user_id }: Pick<Tokens, "user_id">, status: string) =>
  nest.call(`${V3}update_user`, { user_id, status }, { bearer: admin.access_token });
const codeOf = ({ status, body }: Reply) => [status, body.code];
const isAlive = async ({ access_token: bearer }: Tokens) =>
  (await nest.call(`${V3}get_user`, {}, { bearer })).status === 200;
const rowsOf = async ({ user_id }: Pick<Tokens, "user_id">) =>
  (await nest.moveEvents()).filter(({ userId }) => userId === user_id);

describe("update_user of oneself", () => {
  test("changes and removes name, locale and metadata, and records the fields that changed", async () => {
    const person = await newPerson();
    const profile = { name: "Ada", locale: "de", metadata: { team: "blue" } };
    const { status, body } = await update(person, profile);
    expect([status, body.user]).toMatchObject([200, { id: person.user_id, status: "active", ...profile }]);
    await update(person, profile);
    const removed = await update(person, { name: null, metadata: {} });
    expect(removed.body.user).toMatchObject({ name: null, locale: "de", metadata: {} });
    const rows = (await rowsOf(person)).filter(({ action }) => action === "user.updated");
    expect(rows.map(({ data }) => data)).toEqual([
      { fields: "name locale metadata" },
      { fields: "name metadata" },
    ]);
  });

  test.each([
    { locale: "xx" },
    { metadata: { $where: "1" } },
    { metadata: { "a.b": "1" } },
    { metadata: { a: 1 } },
    { metadata: Object.fromEntries(Array.from({ length: 51 }, (_, key) => [`k${key}`, "v"])) },
    { name: "" },
    { status: "deleted" },
    { roles: ["admin"] },
  ])("refuses %j", async (body) => {
    expect(codeOf(await update(await newPerson(), body))).toEqual([400, "validation_failed"]);
  });

  test("refuses the status, and other users whether or not they exist", async () => {
    const [person, other] = [await newPerson(), await newPerson()];
    const replies = [
      await update(person, { status: "active" }),
      await update(person, { user_id: other.user_id, name: "x" }),
      await update(person, { user_id: "user_nobody", name: "x" }),
    ];
    expect(replies.map(({ status, raw }) => [status, raw])).toEqual(
      Array(3).fill([403, '{"code":"access_denied"}']),
    );
    expect(codeOf(await setStatus(admin, "disabled"))).toEqual([403, "cannot_disable_self"]);
    expect(codeOf(await setStatus({ user_id: "user_nobody" }, "disabled"))).toEqual([404, "user_not_found"]);
  });

  test("refuses to change a user whose roles allow more, and to disable the last administrator", async () => {
    const writer = await newPerson();
    await giveRole(nest, {
      key: "writer",
      user_id: writer.user_id,
      level: 60,
      capabilities: ["users.write"],
    });
    const disabled = { user_id: admin.user_id, status: "disabled" };
    expect(codeOf(await update(writer, disabled))).toEqual([403, "capability_escalation"]);
    expect(codeOf(await nest.call(`${V3}update_user`, disabled, { internal: true }))).toEqual([
      409,
      "last_admin",
    ]);
  });
});

describe("a disabled user", () => {
  test("is refused with every token, and by every way to sign in, at every version date", async () => {
    const address = newAddress();
    const user_id = await givePassword(nest, address);
    const identified = { identifier_value: address };
    const tokens = await nest.signIn(address);
    const link = await nest.emailedCode(identified);
    const code = await sentCode(nest, { identifier_type: "email", ...identified });
    const token = await sentToken(nest, address);
    expect((await setStatus({ user_id }, "disabled")).body.user.status).toBe("disabled");

    const bearer = { bearer: tokens.access_token };
    const replies = [
      await nest.call(`${V3}get_user`, {}, bearer),
      await nest.call(`${V2}get_user`, { user_id }, bearer),
      await nest.call(`${V1}get_subscription_status`, undefined, bearer),
    ];
    expect(replies.map(codeOf)).toEqual(Array(3).fill([401, "unauthorized"]));
    expect(codeOf(await nest.refresh(tokens.refresh_token))).toEqual([400, "authorization_not_found"]);
    expect(codeOf(await nest.redeem(link))).toEqual([400, "authorization_not_found"]);
    expect(codeOf(await redeemCode(nest, code))).toEqual([404, "verification_not_found"]);
    expect(codeOf(await redeemToken(nest, token))).toEqual([404, "verification_not_found"]);
    const wrong = await signInWith(nest, address, P2);
    const right = await signInWith(nest, address);
    expect([right.status, right.raw]).toEqual([401, wrong.raw]);
    const tested = { client_id: MAC, user_id, device: { device_id: "d" } };
    expect(codeOf(await nest.call(`${V3}issue_token`, tested, { internal: true }))).toEqual([
      404,
      "user_not_found",
    ]);
    expect(await nest.collection("sessions").find({ userId: user_id, revokedAt: null }).toArray()).toEqual(
      [],
    );
    // A token can be presented any number of times, and has one row.
    await redeemToken(nest, token);
    nest.clock.advance(61);
    const later = await sentCode(nest, { identifier_type: "email", ...identified });
    expect(codeOf(await redeemCode(nest, later))).toEqual([404, "verification_not_found"]);
    const failed = (await rowsOf({ user_id })).filter(({ action }) => action === "user.sign_in_failed");
    expect(failed.map(({ errorCode, data }) => [errorCode, data.cause])).toEqual([
      ["authorization_not_found", "disabled"],
      ["verification_not_found", "disabled"],
      ["invalid_credentials", "disabled"],
      ["invalid_credentials", "disabled"],
      ["verification_not_found", "disabled"],
    ]);
    const rows = (await rowsOf({ user_id })).map(({ action, data }) => [action, data.reason]);
    expect(rows).toContainEqual(["user.disabled", undefined]);
    expect(rows).toContainEqual(["session.revoked", "user_disabled"]);
  });

  test("gets the same mails as before, and signs in again once active, with new tokens only", async () => {
    const address = newAddress();
    const old = await nest.signIn(address);
    await setStatus(old, "disabled");
    const before = nest.lastMail(address);
    await nest.requestLink({ identifier_value: address });
    expect(nest.lastMail(address)).not.toBe(before);
    expect((await setStatus(old, "active")).body.user.status).toBe("active");
    expect([await isAlive(old), codeOf(await nest.refresh(old.refresh_token))]).toEqual([
      false,
      [400, "authorization_not_found"],
    ]);
    expect(await isAlive(await nest.signIn(address))).toBe(true);
  });

  test("disables a user once when 20 calls race, and records it once", async () => {
    const person = await newPerson();
    const replies = await atOnce(() => setStatus(person, "disabled"), 20);
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200]));
    const rows = await rowsOf(person);
    expect(rows.filter(({ action }) => action === "user.disabled")).toHaveLength(1);
    expect(rows.filter(({ action }) => action === "session.revoked")).toHaveLength(1);
  });

  test("has no session that lives when 25 sign-ins and 25 refreshes race the disabling, also once active again", async () => {
    const address = newAddress();
    const user_id = await givePassword(nest, address);
    const sessions: Tokens[] = [];
    for (let each = 0; each < 5; each++) sessions.push((await signInWith(nest, address)).body);
    const racing: Promise<Reply>[] = [];
    for (let each = 0; each < 50; each++) {
      const { refresh_token } = sessions[each % 5] as Tokens;
      racing.push(
        each % 2 === 0
          ? signInWith(nest, address)
          : nest.call(`${V3}authenticate_user`, {
              client_id: NATIVE,
              grant_type: "refresh_token",
              refresh_token,
            }),
      );
      if (each === 10) racing.push(setStatus({ user_id }, "disabled"));
    }
    const issued = (await Promise.all(racing)).filter(({ body }) => body.access_token !== undefined);
    const alive = async () => {
      const living = await Promise.all([...issued.map(({ body }) => body), ...sessions].map(isAlive));
      return living.filter(Boolean).length;
    };
    expect(await alive()).toBe(0);
    await setStatus({ user_id }, "active");
    expect(await alive()).toBe(0);
    for (const { body } of issued)
      expect(
        (
          await nest.call(`${V3}authenticate_user`, {
            ...{ client_id: NATIVE, grant_type: "refresh_token", refresh_token: body.refresh_token },
          })
        ).status,
      ).toBe(400);
  });

  test("leaves one of two administrators who disable each other at once", async () => {
    const other = await newPerson();
    await setRoles(nest, other.user_id, ["admin"]);
    for (let round = 0; round < 5; round++) {
      const replies = await Promise.all([
        setStatus(other, "disabled"),
        nest.call(`${V3}update_user`, { user_id: admin.user_id, status: "disabled" }, { internal: true }),
      ]);
      expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
      const active = { roles: "admin", status: { $exists: false } };
      expect(await nest.collection("users").countDocuments(active)).toBe(1);
      for (const { user_id } of [admin, other])
        await nest.call(`${V3}update_user`, { user_id, status: "active" }, { internal: true });
      admin = await nest.signIn("admin@example.com");
    }
  });
});
