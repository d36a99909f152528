import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { PHONE, wrongCode } from "#tests/support/codes.ts";
import {
  BUSY_MACHINE,
  linkIn,
  NATIVE,
  REDIRECT,
  SIMPLE,
  startNest,
  type TestNest,
} from "#tests/support/nest.ts";
import { askForReset, P1, P2, register, resetPassword, sentReset } from "#tests/support/passwords.ts";
import { V3 } from "#tests/support/plans.ts";

let nest: TestNest;
beforeEach(async () => {
  nest = await startNest();
});
afterEach(() => nest.stop());

const NOT_FOUND = [404, { code: "verification_not_found" }];
const answerOf = ({ status, body }: { status: number; body: unknown }) => [status, body];
const storedHash = async () => (await nest.collection("passwords").findOne())?.hash;

describe("send_password_reset", () => {
  test("answers known and unknown addresses alike, and mails both", async () => {
    await register(nest);
    const known = await askForReset(nest);
    const unknown = await askForReset(nest, { identifier_value: "nobody@x.test" });
    expect(known.status).toBe(200);
    expect(unknown.status).toBe(200);
    expect(Object.keys(unknown.body)).toEqual(Object.keys(known.body));
    expect(nest.lastMail("a@x.test").subject).toBe("Choose a new Beak password");
    expect(nest.lastMail("nobody@x.test").subject).toBe("There is no Beak account with this address");
    expect(nest.lastMail("nobody@x.test").text).not.toMatch(/token=|\b\d{6}\b/);
  });

  test("the link opens the page with the token and the client, and names no address", async () => {
    await register(nest);
    await askForReset(nest);
    const { origin, pathname, searchParams } = linkIn(nest.lastMail());
    expect(origin + pathname).toBe(REDIRECT);
    expect([...searchParams.keys()]).toEqual(["token", "flow", "client_id"]);
    expect(searchParams.get("client_id")).toBe(SIMPLE);
    expect(searchParams.get("token")).toMatch(/^[0-9a-f]{64}$/);
  });

  test("sends a code by SMS to a number with a user, nothing to another, and answers both after the same time", async () => {
    await register(nest, { identifier_type: "phone", identifier_value: PHONE });
    nest.sns.inbox.length = 0;
    const took: number[] = [];
    for (const identifier_value of [PHONE, "+6598765432"]) {
      const startedAt = Date.now();
      const reply = await askForReset(nest, { identifier_type: "phone", identifier_value });
      took.push(Date.now() - startedAt);
      expect(reply.status).toBe(200);
      const seconds = (Date.parse(reply.body.expires_at) - nest.clock.now().getTime()) / 1000;
      expect(seconds).toBeLessThanOrEqual(600);
    }
    expect(nest.sns.inbox.map(({ to }) => to)).toEqual([PHONE]);
    for (const ms of took) expect(ms).toBeGreaterThanOrEqual(1_500);
  });

  test("refuses a page that is not the client's, and a client without passwords", async () => {
    const elsewhere = await askForReset(nest, { redirect_uri: "https://evil.example/" });
    expect(elsewhere.body.code).toBe("invalid_redirect_uri");
    const { id } =
      nest.gateway.core.app.clients.find(({ grants }) => !grants.local.includes("password")) ?? {};
    expect((await askForReset(nest, { client_id: id })).body.code).toBe("grant_not_allowed");
  });

  test("replaces the reset that was sent before", async () => {
    await register(nest);
    const first = await sentReset(nest);
    const second = await sentReset(nest);
    expect(answerOf(await resetPassword(nest, { token: first.token }))).toEqual(NOT_FOUND);
    expect((await resetPassword(nest, { token: second.token })).status).toBe(200);
  });

  test("answers delivery_failed for known and unknown addresses if SES fails", async () => {
    await register(nest);
    for (const identifier_value of ["a@x.test", "nobody@x.test"]) {
      nest.ses.fault({ calls: 1, kind: "error" });
      expect((await askForReset(nest, { identifier_value })).body.code).toBe("delivery_failed");
    }
  });
});

describe("reset_password", () => {
  test("sets the password, ends every session, proves the address and mails a notice (WP1.6)", async () => {
    const { body } = await register(nest);
    const { token } = await sentReset(nest);
    const before = await storedHash();
    const reply = await resetPassword(nest, { token });
    expect(reply).toMatchObject({ status: 200, body: { user_id: body.user_id, sessions_revoked: 1 } });
    expect(Object.keys(reply.body)).toEqual(["user_id", "sessions_revoked"]);
    expect(await storedHash()).not.toBe(before);
    const bearer = { bearer: body.access_token };
    expect((await nest.call(`${V3}get_user`, {}, bearer)).status).toBe(401);
    expect(nest.lastMail("a@x.test").subject).toBe("Your Beak password was changed");
    expect(await nest.collection("identifiers").findOne()).toMatchObject({ verifiedAt: expect.any(String) });
    expect(answerOf(await resetPassword(nest, { token }))).toEqual(NOT_FOUND);
    const rows = (await nest.moveEvents()).map(({ action, actor }) => [action, actor.type]);
    expect(rows).toContainEqual(["password.reset_requested", "anonymous"]);
    expect(rows).toContainEqual(["password.reset", "user"]);
  });

  test("accepts the nonce with the code of the mail, and compares five codes at most (WP1.7)", async () => {
    await register(nest);
    const { nonce, code } = await sentReset(nest);
    for (let attempt = 0; attempt < 5; attempt++)
      expect(answerOf(await resetPassword(nest, { nonce, code: wrongCode(code) }))).toEqual(NOT_FOUND);
    expect(answerOf(await resetPassword(nest, { nonce, code }))).toEqual(NOT_FOUND);
    const next = await sentReset(nest);
    expect((await resetPassword(nest, { nonce: next.nonce, code: next.code })).status).toBe(200);
  });

  test("of 50 calls with one token, one sets its password", async () => {
    await nest.stop();
    nest = await startNest({ slowdown: BUSY_MACHINE });
    await register(nest);
    const { token } = await sentReset(nest);
    const replies = await Promise.all(
      Array.from({ length: 50 }, (_one, index) =>
        resetPassword(nest, { token, password: `${P2} ${index}` }, { ip: `198.51.100.${index}` }),
      ),
    );
    const won = replies.filter(({ status }) => status === 200);
    expect(won).toHaveLength(1);
    for (const reply of replies.filter(({ status }) => status !== 200))
      expect(answerOf(reply)).toEqual(NOT_FOUND);
    const rows = await nest.moveEvents();
    expect(rows.filter(({ action }) => action === "password.reset")).toHaveLength(1);
  });

  test("refuses a secret of another client, purpose or address, an expired one, and the nonce of an unknown address", async () => {
    await register(nest);
    const { token } = await sentReset(nest);
    const refused = [
      await resetPassword(nest, { token, client_id: NATIVE }),
      await resetPassword(nest, { token, identifier_value: "other@x.test" }),
      await resetPassword(nest, { token: "0".repeat(64) }),
    ];
    const decoy = await askForReset(nest, { identifier_value: "nobody@x.test" });
    refused.push(await resetPassword(nest, { nonce: decoy.body.nonce, code: "123456" }));
    nest.clock.advance(30 * 60);
    refused.push(await resetPassword(nest, { token }));
    for (const reply of refused) expect(answerOf(reply)).toEqual(NOT_FOUND);
    const next = await sentReset(nest);
    expect((await resetPassword(nest, { token: next.token, identifier_value: " A@X.test" })).status).toBe(
      200,
    );
  });

  test("says why a password is not acceptable, and leaves the link usable", async () => {
    await register(nest);
    const { token } = await sentReset(nest);
    const short = await resetPassword(nest, { token, password: "abc" });
    expect(short.body).toMatchObject({ code: "password_not_acceptable", reasons: [{ code: "too_short" }] });
    expect((await resetPassword(nest, { token })).status).toBe(200);
  });

  test("requires a token, or a nonce and a code", async () => {
    expect((await resetPassword(nest, {})).body.code).toBe("nonce_missing");
    expect((await resetPassword(nest, { nonce: "n" })).body.code).toBe("code_missing");
  });

  test("gives a password to a user who has none, and revokes the user's other open codes", async () => {
    await nest.signIn("a@x.test");
    const otp = { client_id: SIMPLE, identifier_type: "email", identifier_value: "a@x.test" };
    const sent = await nest.call(`${V3}send_otp`, otp);
    expect(sent.status).toBe(200);
    const { token } = await sentReset(nest);
    expect((await resetPassword(nest, { token })).body.sessions_revoked).toBe(1);
    const open = await nest.collection("verifications").findOne({ purpose: "sign_in" } as object);
    expect(open?.revokedAt).not.toBeNull();
  });

  test("releases a locked password", async () => {
    await register(nest);
    await nest.collection("passwords").updateOne({}, { $set: { failedCount: 100 } });
    const { token } = await sentReset(nest);
    await resetPassword(nest, { token });
    expect(await nest.collection("passwords").findOne()).toMatchObject({ failedCount: 0, setBy: "reset" });
  });
});

describe("reset_password and what else happens at the same time", () => {
  test("a link that was used is not found, whatever the password is", async () => {
    await register(nest);
    const { token } = await sentReset(nest);
    expect((await resetPassword(nest, { token })).status).toBe(200);
    for (const password of ["abc", P1, P2])
      expect(answerOf(await resetPassword(nest, { token, password }))).toEqual(NOT_FOUND);
  });

  test("leaves links that end a session, and codes for an address that the user has removed", async () => {
    const { user_id } = await nest.signIn("a@x.test");
    const { identifiers, verifications } = nest.gateway.core;
    const at = nest.clock.now().toISOString();
    const removed = { verifiedAt: at, removedAt: at, createdAt: at, updatedAt: null, knownDevices: [] };
    await identifiers.insert({
      ...{ _id: "userident_removed", userId: user_id, identifierType: "email" },
      ...{ identifierValue: "was@x.test", ...removed },
    });
    const otp = { client_id: SIMPLE, identifier_type: "email", identifier_value: "was@x.test" };
    expect((await nest.call(`${V3}send_otp`, otp)).status).toBe(200);
    const [sent] = await nest.collection("verifications").find().toArray();
    if (!sent) throw new Error("no code was sent");
    const disown = {
      _id: "disown_one",
      purpose: "disown",
      userId: user_id,
      identifierValue: "a@x.test",
    } as const;
    await verifications.insert({ ...sent, ...disown, nonceHash: "n", tokenHash: "t" } as never);
    const { token } = await sentReset(nest);
    expect((await resetPassword(nest, { token })).status).toBe(200);
    const open = await nest.collection("verifications").find({ revokedAt: null, usedAt: null }).toArray();
    expect(open.map(({ _id }) => _id).sort()).toEqual([sent._id, "disown_one"].sort());
  });

  test("ends a session whose sign-in began after the call, with the old password", async () => {
    const { body } = await register(nest);
    const { token } = await sentReset(nest);
    const { passwords } = nest.gateway.core;
    const reset = passwords.reset.bind(passwords);
    passwords.reset = async (...asked) => {
      nest.clock.advance(1);
      await reset(...asked);
    };
    const startedAt = nest.clock.now().getTime();
    expect((await resetPassword(nest, { token })).status).toBe(200);
    const user = await nest.gateway.core.users.find(body.user_id);
    expect(Date.parse(user?.sessionsEnded?.at ?? "")).toBeGreaterThanOrEqual(startedAt + 1000);
  });
});

describe("create_password_reset", () => {
  const order = (change: object = {}, options: object = { internal: true }) =>
    nest.call(
      `${V3}create_password_reset`,
      { client_id: SIMPLE, identifier_type: "email", identifier_value: "a@x.test", ...change },
      options,
    );

  test("returns every secret to an internal caller, and mails nothing (WP1.8)", async () => {
    await register(nest);
    const mails = nest.ses.inbox.length;
    const { status, body } = await order();
    expect(status).toBe(200);
    expect(body).toEqual({
      nonce: expect.stringMatching(/^[0-9a-f]{64}$/),
      code: expect.stringMatching(/^\d{6}$/),
      token: expect.stringMatching(/^[0-9a-f]{64}$/),
      expires_at: expect.any(String),
    });
    expect(nest.ses.inbox).toHaveLength(mails);
    expect((await resetPassword(nest, { nonce: body.nonce, code: body.code })).status).toBe(200);
    const rows = await nest.moveEvents();
    expect(rows.find(({ action }) => action === "password.reset_requested")?.actor.type).toBe("internal");
  });

  test("mails the link and the code too, if it is asked to", async () => {
    await register(nest);
    const { body } = await order({ deliver: true });
    expect(linkIn(nest.lastMail("a@x.test")).searchParams.get("token")).toBe(body.token);
    nest.ses.fault({ calls: 1, kind: "error" });
    expect((await order({ deliver: true })).body.code).toBe("delivery_failed");
  });

  test("says user_not_found for an unknown address, and refuses callers without a key", async () => {
    expect(await order({ identifier_value: "nobody@x.test" })).toMatchObject({
      status: 404,
      body: { code: "user_not_found" },
    });
    expect((await order({}, {})).status).toBe(403);
    expect((await order({}, { headers: { authorization: "internal wrong" } })).status).toBe(403);
  });

  test("works for 10 minutes for a phone number, and its SMS has the code", async () => {
    await register(nest, { identifier_type: "phone", identifier_value: PHONE });
    const { body } = await order({ identifier_type: "phone", identifier_value: PHONE, deliver: true });
    expect(nest.lastSms(PHONE).text).toContain(body.code);
    nest.clock.advance(10 * 60);
    expect(answerOf(await resetPassword(nest, { token: body.token }))).toEqual(NOT_FOUND);
  });
});

test("no password, code and token is stored or logged in clear", async () => {
  await register(nest);
  const { token, nonce, code } = await sentReset(nest);
  await resetPassword(nest, { token });
  const seen = `${await nest.dump()}\n${nest.logLines.join("\n")}`;
  for (const secret of [P1, P2, token, nonce]) expect(seen).not.toContain(secret);
  expect(seen).not.toMatch(new RegExp(`\\b${code}\\b`));
  expect(nest.logLines.join("\n")).not.toContain("a@x.test");
});
