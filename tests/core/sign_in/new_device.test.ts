import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CALL_LIMIT_MS } from "#core/call.ts";
import { hashSecret } from "#core/secrets.ts";
import { isNewDevice } from "#core/sign_in/new_device.ts";
import { serveRpc } from "#entry/rpc.ts";
import { handler as authenticate } from "#methods/2026-12-01/sign_in/authenticate_user.ts";
import { redeemCode, sentCode } from "#tests/support/codes.ts";
import { atOnce } from "#tests/support/concurrency.ts";
import { lambdaContext } from "#tests/support/lambda_event.ts";
import { NATIVE, startNest, type TestNest, V2 } from "#tests/support/nest.ts";
import { givePassword, P1, signInWith } from "#tests/support/passwords.ts";
import { V3 } from "#tests/support/plans.ts";
import { disownTokenIn, redeemLink } from "#tests/support/user_codes.ts";
import { toEvent } from "#tools/local/gateway.ts";

let nest: TestNest;
beforeEach(async () => {
  nest = await startNest();
});
afterEach(() => nest.stop());

const SUBJECT = "New sign-in to Beak";
const machine = (name: string) => ({ platform: "mac", beak_id: name, fingerprint: name });
const notices = () => nest.ses.inbox.filter(({ subject }) => subject === SUBJECT);
async function signIn(beakId: string | null, ip = "203.0.113.9") {
  const code = await nest.emailedCode({ device: beakId ? machine(beakId) : undefined });
  return redeemLink(nest, { code }, {}, { ip });
}
const disown = (token: string) => nest.call(`${V3}disown_session`, { token });

describe("the mail about a new device", () => {
  test("is sent to a known user on an unknown device, and not at the first sign-in or on a known device", async () => {
    await signIn("one");
    await signIn("one", "198.51.100.7");
    expect(notices()).toHaveLength(0);
    const { body } = await signIn("two");
    expect(notices()).toHaveLength(1);
    const [{ to, text } = { to: "", text: "" }] = notices();
    expect(to).toBe("ada@example.com");
    expect(text).toContain("203.0.113.9");
    expect(text).toMatch(/\?disown=[0-9a-f]{64}&stage=local/);
    await nest.call(`${V3}get_user`, {}, { bearer: body.access_token });
    await nest.refresh(body.refresh_token);
    await signIn("two");
    expect(notices()).toHaveLength(1);
  });

  test("compares networks if the sign-in names no device", async () => {
    await signIn(null);
    await signIn(null);
    expect(notices()).toHaveLength(0);
    await signIn(null, "198.51.100.7");
    expect(notices()).toHaveLength(1);
  });

  test("is sent for codes too, and to every verified address", async () => {
    await signIn("one");
    const mail = { identifier_type: "email", identifier_value: "ada@example.com" };
    const sent = await sentCode(nest, mail);
    expect((await redeemCode(nest, sent, { device: machine("two") })).status).toBe(200);
    expect(nest.logged("notice_not_sent")).toEqual([]);
    expect(notices()).toHaveLength(1);
  });

  test("is sent for passwords too, with a link that ends the session", async () => {
    await givePassword(nest, "ada@example.com");
    await signIn("one");
    expect((await signInWith(nest, "ada@example.com", P1, { device: machine("one") })).status).toBe(200);
    expect((await signInWith(nest, "ada@example.com", "wrong", { device: machine("two") })).status).toBe(401);
    expect(notices()).toHaveLength(0);
    const { body } = await signInWith(nest, "ada@example.com", P1, { device: machine("two") });
    expect(notices()).toHaveLength(1);
    expect((await disown(disownTokenIn(notices()[0]?.text ?? ""))).status).toBe(200);
    const own = await nest.call(`${V3}get_user`, {}, { bearer: body.access_token });
    expect(own.status).toBe(401);
  });

  test("is sent ten times a day for a user, so that who has the password can't flood the mailbox", async () => {
    await givePassword(nest, "ada@example.com");
    await signIn("one");
    const other = async (number: number) =>
      (await signInWith(nest, "ada@example.com", P1, { device: machine(`other ${number}`) })).status;
    for (let number = 1; number <= 11; number++) expect(await other(number)).toBe(200);
    expect(notices()).toHaveLength(10);
    expect(nest.logged("device_notice_limited")).toHaveLength(1);
  });

  test("is sent for each of two sign-ins with a password at once", async () => {
    await givePassword(nest, "ada@example.com");
    await signIn("one");
    await Promise.all([1, 2].map(() => signInWith(nest, "ada@example.com", P1, { device: machine("two") })));
    expect(notices()).toHaveLength(2);
  });

  test("is sent by the repetition of a sign-in with a password that had no time for it", async () => {
    await givePassword(nest, "ada@example.com");
    await signIn("one");
    const person = { client_id: NATIVE, identifier_type: "email", identifier_value: "ada@example.com" };
    const body = { ...person, grant_type: "password", password: P1, device: machine("two") };
    const path = `${V3}authenticate_user`;
    const incoming = {
      method: "POST",
      path,
      headers: {},
      body: Buffer.from(JSON.stringify(body)),
      ip: "203.0.113.9",
    };
    const almostOver = { ...lambdaContext(), startedAt: Date.now() - CALL_LIMIT_MS + 400 };
    const late = await serveRpc(authenticate.declaration, nest.gateway)(toEvent(incoming, path), almostOver);
    expect({ status: late.statusCode, mails: notices() }).toEqual({ status: 503, mails: [] });
    expect((await nest.call(path, body)).status).toBe(200);
    expect(notices()).toHaveLength(1);
  });

  test("leaves a device unknown that signed in with a password while no mail could be sent", async () => {
    await givePassword(nest, "ada@example.com");
    await signIn("one");
    nest.ses.fault({ calls: 1, kind: "error" });
    const withPassword = () => signInWith(nest, "ada@example.com", P1, { device: machine("two") });
    expect((await withPassword()).status).toBe(200);
    expect(notices()).toHaveLength(0);
    // Its tokens never arrived: the person repeats the sign-in.
    expect((await withPassword()).status).toBe(200);
    expect(notices()).toHaveLength(1);
  });

  test("is not sent at older dates, whose installed clients get no new mails", async () => {
    await nest.signIn("ada@example.com", { device: machine("one") });
    await nest.signIn("ada@example.com", { device: machine("two") });
    expect(notices()).toHaveLength(0);
  });

  test("does not fail the sign-in if it can't be sent", async () => {
    await signIn("one");
    const code = await nest.emailedCode({ device: machine("two") });
    nest.ses.fault({ calls: 1, kind: "error" });
    expect((await redeemLink(nest, { code })).status).toBe(200);
    expect(nest.logged("notice_not_sent")).toHaveLength(1);
  });

  test("a repeated sign-in mails nothing", async () => {
    await signIn("one");
    const code = await nest.emailedCode({ device: machine("two") });
    await redeemLink(nest, { code });
    nest.clock.advance(6);
    expect((await redeemLink(nest, { code })).status).toBe(200);
    expect(notices()).toHaveLength(1);
  });
});

describe("disown_session", () => {
  test("ends the session once when 20 calls race, and forgets its device", async () => {
    const mine = (await signIn("one")).body;
    const thief = (await signIn("two")).body;
    const token = disownTokenIn(nest.lastMail().text);
    const replies = await atOnce(() => disown(token));
    expect(new Set(replies.map(({ status, body }) => `${status} ${body.revoked_at}`)).size).toBe(1);
    expect(replies[0]?.status).toBe(200);
    const isAlive = async (bearer: string) =>
      (await nest.call(`${V2}get_user`, { user_id: mine.user_id }, { bearer })).status === 200;
    expect([await isAlive(thief.access_token), await isAlive(mine.access_token)]).toEqual([false, true]);
    expect((await nest.refresh(thief.refresh_token)).body.code).toBe("authorization_not_found");
    const identifier = await nest.collection("identifiers").findOne();
    expect(identifier?.knownDevices).toEqual([hashSecret("one")]);
    const ended = (await nest.moveEvents()).filter(({ action }) => action === "session.revoked");
    expect(ended).toMatchObject([{ data: { reason: "disowned" }, actor: { type: "anonymous", id: null } }]);
    expect(JSON.stringify(ended)).not.toContain(token);
  });

  test("works for 7 days, and refuses unknown tokens and tokens of another purpose", async () => {
    await signIn("one");
    await signIn("two");
    const token = disownTokenIn(nest.lastMail().text);
    expect(await disown("0".repeat(64))).toMatchObject({
      ...{ status: 404, body: { code: "verification_not_found" } },
    });
    await nest.collection("verifications").updateMany({}, { $set: { purpose: "reset_password" } });
    expect((await disown(token)).status).toBe(404);
    await nest.collection("verifications").updateMany({}, { $set: { purpose: "disown" } });
    nest.clock.advance(7 * 24 * 3600 - 60);
    expect((await disown(token)).status).toBe(200);
    nest.clock.advance(61);
    expect((await disown(token)).status).toBe(404);
  });
});

test("revoke_all_sessions mails the user, and not if it ended none", async () => {
  const { body } = await signIn("one");
  const end = () => nest.call(`${V3}revoke_all_sessions`, {}, { bearer: body.access_token });
  await end();
  const mails = () => nest.ses.inbox.filter(({ subject }) => subject.includes("signed out of Beak"));
  expect(mails()).toHaveLength(0);
  await signIn("two");
  nest.ses.fault({ calls: 1, kind: "error" });
  expect((await end()).body).toEqual({ revoked: 1 });
  await signIn("two");
  expect((await end()).body).toEqual({ revoked: 1 });
  expect(mails()).toHaveLength(1);
  expect(mails()[0]?.text).toContain("1 session of your Beak account was ended");
});

describe("isNewDevice", () => {
  const call = { requestId: "r", ip: "2001:db8:1:2::3", userAgent: null };
  const identifier = (knownDevices: string[]) => ({ knownDevices }) as never;
  const one = { ...{ device: null, ip: "2001:db8:1:9::1" }, rootGrant: { type: "otp" } };
  const byPassword = { ...one, rootGrant: { type: "password" }, device: machineOf("b") };
  test.each([
    ["a first sign-in", [], null, [], false],
    ["a network of the same /48", [], null, [one], false],
    ["another network", [], null, [{ ...one, ip: "2001:db8:2::1" }], true],
    ["a remembered device", [hashSecret("b")], "b", [], false],
    ["a device of an earlier session", [], "b", [{ ...one, device: machineOf("b") }], false],
    [
      "a device whose password sign-in failed",
      ["a"],
      "b",
      [{ ...byPassword, acknowledgedGeneration: 0 }],
      true,
    ],
    ["a device that a password signed in", [], "b", [{ ...byPassword, acknowledgedGeneration: 1 }], false],
    ["another device in a known network", [hashSecret("a")], "b", [one], true],
  ] as const)("%s", (_what, known, beakId, earlier, expected) => {
    const signedIn = { identifier: identifier([...known]), beakId, call, authTime: "1", at: "1" };
    expect(isNewDevice(signedIn, earlier as never)).toBe(expected);
  });
});

test("a device that an earlier attempt of the same sign-in remembered is new, unless it is the user's first", () => {
  const identifier = (knownDevices: string[]) =>
    ({ knownDevices: [...knownDevices, hashSecret("b")] }) as never;
  const signedIn = {
    beakId: "b",
    call: { requestId: "r", ip: "x", userAgent: null },
    ...{ authTime: "1", at: "2" },
  };
  expect(isNewDevice({ ...signedIn, identifier: identifier([hashSecret("a")]) }, [])).toBe(true);
  expect(isNewDevice({ ...signedIn, identifier: identifier([]) }, [])).toBe(false);
});

function machineOf(beakId: string) {
  return { platform: "mac", beakId, fingerprint: "f" };
}
