import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MfaFactorRepository } from "#core/repositories/mfa_factors.ts";
import { digitsIn, redeemCode, redeemToken, sentCode, sentToken } from "#tests/support/codes.ts";
import { atOnce } from "#tests/support/concurrency.ts";
import {
  appCode,
  createFactor,
  type Enrolled,
  enrol,
  firstStep,
  presentFactor,
  verifyFactor,
} from "#tests/support/mfa.ts";
import { BUSY_MACHINE, exchange, NATIVE, startNest, type TestNest, V1, V2 } from "#tests/support/nest.ts";
import { givePassword, signInWith } from "#tests/support/passwords.ts";
import { V3 } from "#tests/support/plans.ts";

const ADA = "ada@example.com";
let nest: TestNest;
let ada: Enrolled;
beforeEach(async () => {
  nest = await startNest({ slowdown: BUSY_MACHINE });
  ada = await enrol(nest, ADA);
});
afterEach(() => nest.stop());

const codeNow = (steps = 0) => appCode(ada.seed, nest.clock.now(), steps);
const withApp = (code: string) => ({ factor_id: ada.factorId, code });
const ofApp = (token: string, code = codeNow()) => presentFactor(nest, token, withApp(code));
const as = ({ access_token: bearer }: { access_token: string }) => ({ bearer });
const sessionsOf = () => nest.collection("sessions").countDocuments({ userId: ada.userId });

describe("a sign-in of a user with a second factor", () => {
  test("issues no token before the second factor, and names both factors afterwards", async () => {
    const before = await sessionsOf();
    const first = await signInWith(nest, ADA);
    expect([first.status, first.body.code]).toEqual([403, "mfa_required"]);
    expect(first.raw).not.toContain("access_token");
    expect(first.body.meta.factors).toEqual([{ id: ada.factorId, factor_type: "totp", hint: null }]);
    expect(await sessionsOf()).toBe(before);
    expect((await nest.call(`${V3}get_user`, {}, as(ada.tokens))).body.mfa_enabled).toBe(true);
    const { mfa_token: token } = first.body.meta;
    expect((await nest.call(`${V3}get_user`, {}, { bearer: token })).status).toBe(401);
    const second = await ofApp(token);
    expect(second.body).toMatchObject({ user_id: ada.userId, amr: ["pwd", "otp", "mfa"] });
    expect((await nest.call(`${V3}get_user`, {}, as(second.body))).status).toBe(200);
    const refreshed = await nest.refresh(second.body.refresh_token, { client_id: NATIVE });
    expect(refreshed.status).toBe(200);
  });

  test("asks for it in every grant, under every version date", async () => {
    const link = async (version: string) => {
      const code = await nest.emailedCode({ identifier_value: ADA });
      return nest.call(`${version}authenticate_user`, exchange(code));
    };
    const mailed = await sentCode(nest, {
      client_id: NATIVE,
      identifier_type: "email",
      identifier_value: ADA,
    });
    const replies = [await redeemCode(nest, mailed, { client_id: NATIVE }), await signInWith(nest, ADA)];
    for (const version of [V1, V2, V3]) {
      nest.clock.advance(61);
      replies.push(await link(version));
    }
    nest.clock.advance(61);
    replies.push(await redeemToken(nest, await sentToken(nest, ADA)));
    expect(replies.map(({ status, body }) => [status, body.code])).toEqual(
      replies.map(() => [403, "mfa_required"]),
    );
    expect(await sessionsOf()).toBe(1);
  });

  test("signs in with a link and then the app, and a link that is redeemed again gives the same challenge", async () => {
    const code = await nest.emailedCode({ identifier_value: ADA, client_id: NATIVE });
    const redeem = () => nest.redeem(code, { client_id: NATIVE });
    const first = await redeem();
    nest.clock.advance(6 * BUSY_MACHINE);
    const again = await redeem();
    expect(again.body).toEqual(first.body);
    const second = await ofApp(again.body.meta.mfa_token);
    expect(second.body.amr).toEqual(["link", "otp", "mfa"]);
    expect(await sessionsOf()).toBe(2);
  });

  test("accepts a code once, the next step early, and no step two steps away", async () => {
    const code = codeNow();
    const [one, other] = [await firstStep(nest, ADA), await firstStep(nest, ADA)];
    expect((await ofApp(one, code)).status).toBe(200);
    expect((await ofApp(other, code)).body.code).toBe("mfa_failed");
    expect((await ofApp(other, codeNow(2))).body.code).toBe("mfa_failed");
    expect((await ofApp(other, codeNow(1))).status).toBe(200);
    expect((await ofApp(await firstStep(nest, ADA), codeNow(-2))).body.code).toBe("mfa_failed");
  });

  test("one of 50 simultaneous calls with the right code gets a session", async () => {
    const token = await firstStep(nest, ADA);
    const code = codeNow();
    const before = await sessionsOf();
    const replies = await atOnce(() => ofApp(token, code), 50);
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
    for (const { status } of replies) expect([200, 401, 429]).toContain(status);
    expect(await sessionsOf()).toBe(before + 1);
  });

  test("one of several challenges that present the same code at once gets it", async () => {
    const tokens = [];
    for (let number = 0; number < 5; number++) tokens.push(await firstStep(nest, ADA));
    const code = codeNow();
    const replies = await Promise.all(tokens.map((token) => ofApp(token, code)));
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  test("accepts nothing after five wrong codes", async () => {
    const token = await firstStep(nest, ADA);
    for (let tried = 0; tried < 5; tried++)
      expect((await ofApp(token, "000000")).body.code).toBe("mfa_failed");
    expect((await ofApp(token)).body.code).toBe("mfa_token_expired");
    const rows = nest.collection("audit_logs").find({ userId: ada.userId, action: "user.sign_in_failed" });
    expect((await rows.toArray()).map(({ errorCode }) => errorCode)).toEqual(Array(5).fill("mfa_failed"));
  });

  test("accepts no challenge that is unknown, expired, of another client, or of a user who was disabled", async () => {
    const token = await firstStep(nest, ADA);
    const [id = ""] = token.split(".");
    const wrong = await ofApp(`${id}.${"0".repeat(64)}`);
    const malformed = await ofApp("x");
    const foreign = await presentFactor(nest, token, withApp(codeNow()), { client_id: "client_sample_web" });
    for (const { body } of [wrong, malformed, foreign]) expect(body.code).toBe("mfa_token_expired");
    await nest.collection("users").updateOne({ _id: ada.userId as never }, { $set: { status: "disabled" } });
    expect((await ofApp(token)).body.code).toBe("mfa_token_expired");
    await nest.collection("users").updateOne({ _id: ada.userId as never }, { $unset: { status: "" } });
    nest.clock.advance(601);
    expect((await ofApp(token)).body.code).toBe("mfa_token_expired");
  });

  test("records once that a user was disabled between the two factors, whichever method gets the token", async () => {
    const token = await firstStep(nest, ADA);
    await nest.collection("users").updateOne({ _id: ada.userId as never }, { $set: { status: "disabled" } });
    const sent = { client_id: NATIVE, mfa_token: token, factor_id: ada.factorId };
    expect((await nest.call(`${V3}send_mfa_code`, sent)).body.code).toBe("mfa_token_expired");
    for (let presented = 0; presented < 2; presented++)
      expect((await ofApp(token)).body.code).toBe("mfa_token_expired");
    const rows = nest.collection("audit_logs").find({ userId: ada.userId, action: "user.sign_in_failed" });
    expect(await rows.toArray()).toEqual([
      expect.objectContaining({
        ...{ outcome: "failure", errorCode: "mfa_token_expired", clientId: NATIVE },
        data: { authorizationId: token.split(".")[0], cause: "disabled" },
      }),
    ]);
  });

  test("accepts no challenge from before the user ended all sessions", async () => {
    const token = await firstStep(nest, ADA);
    const second = await ofApp(await firstStep(nest, ADA));
    const ended = await nest.call(`${V3}revoke_all_sessions`, {}, as(second.body));
    expect(ended.status).toBe(200);
    expect((await ofApp(token, codeNow(1))).body.code).toBe("mfa_token_expired");
  });

  test("gives the same session again if the response was lost", async () => {
    const token = await firstStep(nest, ADA);
    const code = codeNow();
    const first = await ofApp(token, code);
    expect((await ofApp(token, code)).body.code).toBe("mfa_token_expired");
    // The app shows another code by now.
    nest.clock.advance(300);
    const again = await ofApp(token, code);
    expect(again.body).toMatchObject({
      ...{ session_id: first.body.session_id, refresh_token: first.body.refresh_token },
    });
  });
});

describe("a recovery code", () => {
  test("works once, also if two challenges present it at once, and the user is told", async () => {
    const [recovery_code] = ada.recoveryCodes;
    const tokens = [await firstStep(nest, ADA), await firstStep(nest, ADA)];
    const replies = await Promise.all(tokens.map((token) => presentFactor(nest, token, { recovery_code })));
    expect(replies.map(({ status }) => status).sort()).toEqual([200, 401]);
    const right = replies.find(({ status }) => status === 200);
    expect(right?.body).toMatchObject({ recovery_codes_left: 9, amr: ["pwd", "otp", "mfa"] });
    expect(nest.lastMail().subject).toContain("recovery code");
  });

  test("is replaced with all others by regenerate_recovery_codes, which needs a second factor", async () => {
    const replace = (tokens: { access_token: string }) =>
      nest.call(`${V3}regenerate_recovery_codes`, {}, as(tokens));
    expect((await replace(ada.tokens)).body.code).toBe("reauthentication_required");
    const second = await ofApp(await firstStep(nest, ADA));
    const { body } = await replace(second.body);
    expect(new Set([...body.recovery_codes, ...ada.recoveryCodes]).size).toBe(20);
    const old = await presentFactor(nest, await firstStep(nest, ADA), {
      recovery_code: ada.recoveryCodes[0],
    });
    expect(old.body.code).toBe("mfa_failed");
    const fresh = await presentFactor(nest, await firstStep(nest, ADA), {
      recovery_code: body.recovery_codes[0],
    });
    expect(fresh.status).toBe(200);
  });
});

describe("create_mfa_challenge", () => {
  test("makes a stale session fresh, and leaves its refresh token", async () => {
    nest.clock.advance(601);
    const remove = () => nest.call(`${V3}remove_mfa_factor`, { factor_id: ada.factorId }, as(ada.tokens));
    expect((await remove()).body.code).toBe("reauthentication_required");
    const opened = await nest.call(`${V3}create_mfa_challenge`, { client_id: NATIVE }, as(ada.tokens));
    expect(opened.body.factors).toHaveLength(1);
    const stepped = await ofApp(opened.body.mfa_token);
    expect(stepped.body).toMatchObject({ refresh_token: null, amr: ["pwd", "otp", "mfa"] });
    expect((await nest.refresh(ada.tokens.refresh_token, { client_id: NATIVE })).status).toBe(200);
  });

  test("is refused for a user without a factor", async () => {
    await givePassword(nest, "grace@example.com");
    const { body } = await signInWith(nest, "grace@example.com");
    const opened = await nest.call(`${V3}create_mfa_challenge`, { client_id: NATIVE }, as(body));
    expect(opened.body.code).toBe("mfa_not_enabled");
  });
});

describe("remove_mfa_factor", () => {
  const remove = (tokens: { access_token: string }) =>
    nest.call(`${V3}remove_mfa_factor`, { factor_id: ada.factorId }, as(tokens));

  test("needs a session with the second factor; then one factor signs in, and the recovery codes end", async () => {
    expect((await remove(ada.tokens)).body.code).toBe("reauthentication_required");
    const second = await ofApp(await firstStep(nest, ADA));
    const removed = await remove(second.body);
    expect(removed.status).toBe(200);
    expect(nest.lastMail().text).toContain("was removed");
    expect((await remove(second.body)).body).toEqual(removed.body);
    expect((await nest.call(`${V3}get_user`, {}, as(ada.tokens))).status).toBe(401);
    expect((await signInWith(nest, ADA)).status).toBe(200);
    const listed = await nest.call(`${V3}list_mfa_factors`, {}, as(second.body));
    expect(listed.body).toEqual({ items: [], recovery_codes_left: 0 });
    expect((await nest.call(`${V3}get_user`, {}, as(second.body))).body.mfa_enabled).toBe(false);
  });

  test("lets an administrator help a user, whose sessions end", async () => {
    const { userId, factorId, tokens } = ada;
    const body = { user_id: userId, factor_id: factorId };
    expect((await nest.call(`${V3}remove_mfa_factor`, body, { internal: true })).status).toBe(200);
    expect((await nest.call(`${V3}get_user`, {}, as(tokens))).status).toBe(401);
    expect((await signInWith(nest, ADA)).status).toBe(200);
  });

  test("leaves no session of a sign-in that runs at the same time", async () => {
    const second = await ofApp(await firstStep(nest, ADA));
    const tokens = [];
    for (let number = 0; number < 4; number++) tokens.push(await firstStep(nest, ADA));
    const codes = ada.recoveryCodes;
    const [removed, ...replies] = await Promise.all([
      remove(second.body),
      ...tokens.map((token, index) => presentFactor(nest, token, { recovery_code: codes[index] })),
    ]);
    expect(removed?.status).toBe(200);
    for (const { status, body } of replies)
      if (status === 200) expect((await nest.call(`${V3}get_user`, {}, as(body))).status).toBe(401);
  });
});

test("adding the first factor ends the other sessions, and keeps the one that added it", async () => {
  await givePassword(nest, "grace@example.com");
  const [other, own] = [
    await signInWith(nest, "grace@example.com"),
    await signInWith(nest, "grace@example.com"),
  ];
  const created = await createFactor(nest, own.body);
  const { factor_id: id, secret, otpauth_uri: uri, qr_code: picture } = created.body;
  expect(secret).toMatch(/^[A-Z2-7]{32}$/);
  expect(uri).toContain(`secret=${secret}`);
  expect(picture).toMatch(/^data:image\/png;base64,/);
  expect((await verifyFactor(nest, own.body, id, "000000")).body.code).toBe("mfa_failed");
  const verified = await verifyFactor(nest, own.body, id, appCode(secret, nest.clock.now()));
  expect(new Set(verified.body.recovery_codes).size).toBe(10);
  expect((await nest.call(`${V3}get_user`, {}, as(other.body))).status).toBe(401);
  expect((await nest.call(`${V3}get_user`, {}, as(own.body))).status).toBe(200);
  const dump = await nest.dump();
  for (const kept of [secret, ...verified.body.recovery_codes]) expect(dump).not.toContain(kept);
});

test("of two first factors that are added at once, one gets recovery codes, and these work", async () => {
  const grace = "grace@example.com";
  await givePassword(nest, grace);
  const { body: own } = await signInWith(nest, grace);
  const app = (await createFactor(nest, own)).body;
  const mail = (await createFactor(nest, own, { factor_type: "email" })).body;
  const proofs = [
    [app.factor_id, appCode(app.secret, nest.clock.now())],
    [mail.factor_id, digitsIn(nest.lastMail().text)],
  ] as const;
  const replies = await Promise.all(proofs.map(([id, code]) => verifyFactor(nest, own, id, code)));
  expect(replies.map(({ status }) => status)).toEqual([200, 200]);
  const sets = replies.map(({ body }) => body.recovery_codes).filter((codes) => codes !== null);
  expect(sets).toHaveLength(1);
  const token = await firstStep(nest, grace);
  const used = await presentFactor(nest, token, { recovery_code: sets[0][0] });
  expect(used.body.recovery_codes_left).toBe(9);
});

test("a removal that read a factor before it was activated changes nothing", async () => {
  const bob = await enrol(nest, "bob@example.com");
  const { body: challenged } = await signInWith(nest, "bob@example.com");
  const code = appCode(bob.seed, nest.clock.now());
  const second = await presentFactor(nest, challenged.meta.mfa_token, { factor_id: bob.factorId, code });
  const bearer = second.body.access_token;
  const found = await nest.collection("mfa_factors").findOne({ _id: bob.factorId as never });
  // As `remove_mfa_factor` reads the factor before `verify_mfa_factor` activates it.
  const early = new MfaFactorRepository(nest.gateway.mongo.database);
  const at = { now: nest.clock.now().toISOString(), purgeAt: nest.clock.now() };
  expect(await early.remove({ _id: bob.factorId, status: "pending" }, at, [])).toBe(null);
  expect(await nest.collection("mfa_factors").findOne({ _id: bob.factorId as never })).toEqual(found);
  const removed = await nest.call(`${V3}remove_mfa_factor`, { factor_id: bob.factorId }, { bearer });
  expect(removed.status).toBe(200);
});

test("the second of two factors issues no recovery codes, also after the first one was removed", async () => {
  const second = (await ofApp(await firstStep(nest, ADA))).body;
  const add = async () => {
    const { factor_id } = (await createFactor(nest, second, { factor_type: "email" })).body;
    return verifyFactor(nest, second, factor_id, digitsIn(nest.lastMail().text));
  };
  expect((await add()).body.recovery_codes).toBeNull();
  await nest.call(`${V3}remove_mfa_factor`, { factor_id: ada.factorId }, as(second));
  nest.clock.advance(61);
  expect((await add()).body.recovery_codes).toBeNull();
  const token = await firstStep(nest, ADA);
  const used = await presentFactor(nest, token, { recovery_code: ada.recoveryCodes[0] });
  expect(used.body.recovery_codes_left).toBe(9);
});

test("a link whose user needs a second factor does not count as a failed attempt of the network", async () => {
  const strict = await startNest({ beside: nest, environment: { LIMIT_FAILURES_PER_NETWORK: "1" } });
  try {
    for (let round = 0; round < 2; round++) {
      const code = await nest.emailedCode({ identifier_value: ADA });
      const reply = await strict.call(`${V3}authenticate_user`, exchange(code));
      expect(reply.body.code).toBe("mfa_required");
      nest.clock.advance(61);
    }
    const wrong = await strict.call(`${V3}authenticate_user`, exchange("authzcode_none.0"));
    expect(wrong.body.code).toBe("not_found");
  } finally {
    await strict.stop();
  }
});
