import { afterEach, beforeEach, describe, expect, test } from "vitest";
import app from "#app";
import type { App, Client } from "#core/app/app.ts";
import { digitsIn, redeemCode, sentCode, wrongCode } from "#tests/support/codes.ts";
import { appCode, createFactor, presentFactor, verifyFactor } from "#tests/support/mfa.ts";
import { NATIVE, SIMPLE, startNest, type TestNest, type Tokens } from "#tests/support/nest.ts";
import {
  askForReset,
  givePassword,
  P2,
  register,
  resetPassword,
  signInWith,
} from "#tests/support/passwords.ts";
import { V3 } from "#tests/support/plans.ts";
import { withSampleClients } from "#tools/local/sample_clients.ts";

const ADA = "ada@example.com";
const NUMBER = "+6591234567";
const DAY = 86_400;
let nest: TestNest;
let tokens: Tokens;
const start = async (change: Partial<Client> = {}) => {
  const samples = withSampleClients(app);
  const changed: App = {
    ...samples,
    clients: samples.clients.map((client) => (client.id === NATIVE ? { ...client, ...change } : client)),
  };
  nest = await startNest({ app: changed });
  await givePassword(nest, ADA);
};
afterEach(() => nest.stop());
const send = (mfa_token: string, factor_id: string, client_id = NATIVE) =>
  nest.call(`${V3}send_mfa_code`, { client_id, mfa_token, factor_id });

describe("factors whose codes are sent", () => {
  beforeEach(async () => {
    await start();
    tokens = (await signInWith(nest, ADA)).body;
  });
  const addSms = async () => {
    const created = await createFactor(nest, tokens, { factor_type: "sms", phone_number: "6591234567" });
    expect(created.body).toMatchObject({ secret: null, otpauth_uri: null, hint: "•••567" });
    const code = digitsIn(nest.lastSms(NUMBER).text);
    expect((await verifyFactor(nest, tokens, created.body.factor_id, wrongCode(code))).body.code).toBe(
      "mfa_failed",
    );
    const verified = await verifyFactor(nest, tokens, created.body.factor_id, code);
    expect(verified.body.recovery_codes).toHaveLength(10);
    nest.clock.advance(DAY);
    return String(created.body.factor_id);
  };

  test("an SMS code works for its own challenge only", async () => {
    const factor_id = await addSms();
    const [one, other] = [await signInWith(nest, ADA), await signInWith(nest, ADA)];
    expect(one.body.meta.factors).toEqual([{ id: factor_id, factor_type: "sms", hint: "•••567" }]);
    const unsent = await presentFactor(nest, one.body.meta.mfa_token, { factor_id, code: "123456" });
    expect(unsent.body.code).toBe("mfa_failed");
    expect((await send(one.body.meta.mfa_token, factor_id)).body.hint).toBe("•••567");
    const code = digitsIn(nest.lastSms(NUMBER).text);
    expect(await nest.dump()).not.toContain(code);
    const stolen = await presentFactor(nest, other.body.meta.mfa_token, { factor_id, code });
    expect(stolen.body.code).toBe("mfa_failed");
    const right = await presentFactor(nest, one.body.meta.mfa_token, { factor_id, code });
    expect(right.body.amr).toEqual(["pwd", "sms", "mfa"]);
    expect((await send(one.body.meta.mfa_token, "mfafac_none")).body.code).toBe("factor_not_found");
    expect((await send("x", factor_id)).body.code).toBe("mfa_token_expired");
  });

  test("are not offered after a password that an SMS to the same number reset", async () => {
    await givePassword(nest, NUMBER);
    await nest
      .collection("identifiers")
      .updateOne({ identifierValue: NUMBER }, { $set: { userId: tokens.user_id } });
    await addSms();
    const reset = async (identifier_type: "email" | "phone", identifier_value: string) => {
      const { nonce } = (await askForReset(nest, { client_id: NATIVE, identifier_type, identifier_value }))
        .body;
      const sent = identifier_type === "phone" ? nest.lastSms(NUMBER).text : nest.lastMail().text;
      const code = digitsIn(sent.replace(/https:\S+/, ""));
      expect((await resetPassword(nest, { client_id: NATIVE, nonce, code, password: P2 })).status).toBe(200);
      nest.clock.advance(DAY);
      return (await signInWith(nest, ADA, P2)).body;
    };
    // Somebody who has only the number must not get both factors.
    const bySms = await reset("phone", NUMBER);
    expect([bySms.code, bySms.meta.factors]).toEqual(["mfa_required", []]);
    const byMail = await reset("email", ADA);
    expect([byMail.code, byMail.meta.factors.length]).toEqual(["mfa_required", 1]);
  });

  test("are not offered after an SMS to the same number, or after a mail", async () => {
    await givePassword(nest, NUMBER);
    await nest
      .collection("identifiers")
      .updateOne({ identifierValue: NUMBER }, { $set: { userId: tokens.user_id } });
    await addSms();
    const bySms = await redeemCode(nest, await sentCode(nest, { client_id: NATIVE }), { client_id: NATIVE });
    expect([bySms.body.code, bySms.body.meta.factors]).toEqual(["mfa_required", []]);
    const mailed = { client_id: NATIVE, identifier_type: "email", identifier_value: ADA };
    const byMail = await redeemCode(nest, await sentCode(nest, mailed), { client_id: NATIVE });
    expect(byMail.body.meta.factors).toHaveLength(1);
  });

  test("a mailed code goes to the primary address", async () => {
    const created = await createFactor(nest, tokens, { factor_type: "email" });
    expect(created.body.hint).toBe("a•••@example.com");
    const code = digitsIn(nest.lastMail(ADA).text);
    expect((await verifyFactor(nest, tokens, created.body.factor_id, code)).status).toBe(200);
    nest.clock.advance(DAY);
    const { body } = await signInWith(nest, ADA);
    await send(body.meta.mfa_token, created.body.factor_id);
    const presented = { factor_id: created.body.factor_id, code: digitsIn(nest.lastMail(ADA).text) };
    expect((await presentFactor(nest, body.meta.mfa_token, presented)).body.amr).toEqual([
      "pwd",
      "otp",
      "mfa",
    ]);
  });

  test("refuses numbers that the client does not serve, and names clients that can't ask for a factor", async () => {
    const sms = (phone_number: string) => createFactor(nest, tokens, { factor_type: "sms", phone_number });
    expect((await sms("12")).body.code).toBe("invalid_identifier");
    expect((await sms("+33612345678")).body.code).toBe("country_not_allowed");
    const silent = await createFactor(nest, tokens, { confirm: false });
    expect(silent.body.code).toBe("mfa_confirmation_required");
    expect(silent.body.meta.clients).toContain(app.clients[0]?.name);
    const both = await createFactor(nest, tokens, { phone_number: NUMBER });
    expect(both.body.code).toBe("validation_failed");
    nest.clock.advance(601);
    expect((await createFactor(nest, tokens)).body.code).toBe("reauthentication_required");
    const nobody = await nest.call(`${V3}create_mfa_factor`, { factor_type: "totp" });
    expect(nobody.body.code).toBe("access_denied");
  });

  test("allows ten factors, and five codes for each", async () => {
    for (let number = 0; number < 10; number++) {
      const { body } = await createFactor(nest, tokens);
      const code = appCode(body.secret, nest.clock.now());
      expect((await verifyFactor(nest, tokens, body.factor_id, code)).status).toBe(200);
    }
    expect((await createFactor(nest, tokens)).body.code).toBe("too_many_factors");
    await nest.collection("mfa_factors").deleteOne({ userId: tokens.user_id });
    const { body } = await createFactor(nest, tokens);
    for (let tried = 0; tried < 5; tried++) await verifyFactor(nest, tokens, body.factor_id, "000000");
    const late = await verifyFactor(nest, tokens, body.factor_id, appCode(body.secret, nest.clock.now()));
    expect(late.body.code).toBe("factor_not_found");
  });
});

test("a user who has verified nothing can't add a factor", async () => {
  await start();
  const { body } = await register(nest, { client_id: SIMPLE, identifier_value: "new@x.test" });
  expect((await createFactor(nest, body)).body.code).toBe("own_address_not_verified");
});

test("a client that requires a second factor lets users create it with the token of the error, once", async () => {
  await start({ mfa: { policy: "required", factors: ["totp"] } });
  const first = await signInWith(nest, ADA);
  expect([first.status, first.body.code]).toEqual([403, "mfa_enrollment_required"]);
  const { mfa_token } = first.body.meta;
  expect((await nest.call(`${V3}list_mfa_factors`, {}, { bearer: mfa_token })).status).toBe(401);
  expect((await presentFactor(nest, mfa_token, { recovery_code: "x" })).body.code).toBe("mfa_token_expired");
  const create = (change = {}) =>
    nest.call(`${V3}create_mfa_factor`, { factor_type: "totp", confirm: true, mfa_token, ...change });
  expect((await create({ factor_type: "email" })).body.code).toBe("factor_type_not_allowed");
  const { body } = await create();
  const code = appCode(body.secret, nest.clock.now(), -1);
  const presented = { factor_id: body.factor_id, code, mfa_token };
  expect((await nest.call(`${V3}verify_mfa_factor`, presented)).body.recovery_codes).toHaveLength(10);
  expect((await create()).body.code).toBe("mfa_token_expired");
  const second = await signInWith(nest, ADA);
  const signedIn = await presentFactor(nest, second.body.meta.mfa_token, {
    ...{ factor_id: body.factor_id, code: appCode(body.secret, nest.clock.now()) },
  });
  expect(signedIn.status).toBe(200);
  const bearer = signedIn.body.access_token;
  const removed = await nest.call(`${V3}remove_mfa_factor`, { factor_id: body.factor_id }, { bearer });
  expect(removed.body.code).toBe("mfa_required_by_policy");
});

test("a client can require a second factor of users with a platform role only", async () => {
  await start({ mfa: { policy: "required_for_roles", factors: ["totp"] } });
  expect((await signInWith(nest, ADA)).status).toBe(200);
  await nest.collection("users").updateOne({}, { $set: { roles: ["support"] } });
  expect((await signInWith(nest, ADA)).body.code).toBe("mfa_enrollment_required");
});

test.each(["create_mfa_factor", "verify_mfa_factor"])(
  "%s refuses the token of mfa_enrollment_required once the address that signed in was removed",
  async (method) => {
    await start({ mfa: { policy: "required", factors: ["totp"] } });
    const { mfa_token } = (await signInWith(nest, ADA)).body.meta;
    const asked = { factor_type: "totp", confirm: true, mfa_token };
    const { body } = await nest.call(`${V3}create_mfa_factor`, asked);
    const proof = { factor_id: body.factor_id, code: appCode(body.secret, nest.clock.now()), mfa_token };
    const removal = { $set: { removedAt: nest.clock.now().toISOString() } };
    await nest.collection("identifiers").updateOne({ identifierValue: ADA }, removal);
    const late = await nest.call(`${V3}${method}`, method === "create_mfa_factor" ? asked : proof);
    expect([late.status, late.body.code]).toEqual([401, "mfa_token_expired"]);
    expect(await nest.collection("mfa_factors").countDocuments({ status: "active" })).toBe(0);
  },
);
