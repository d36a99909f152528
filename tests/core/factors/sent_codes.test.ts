import { afterEach, expect, test } from "vitest";
import { digitsIn } from "#tests/support/codes.ts";
import { appCode, createFactor, presentFactor, verifyFactor } from "#tests/support/mfa.ts";
import {
  BUSY_MACHINE,
  NATIVE,
  type StartOptions,
  startNest,
  type TestNest,
  type Tokens,
} from "#tests/support/nest.ts";
import { givePassword, P1, signInWith } from "#tests/support/passwords.ts";
import { V3 } from "#tests/support/plans.ts";

const [OLD, NEW] = ["old@x.test", "new@x.test"];
const NUMBER = "+6591234567";
const DEVICE = { platform: "mac", beak_id: "her-device", fingerprint: "f" };
let nest: TestNest;
let tokens: Tokens;
const start = async (options: StartOptions = {}) => {
  nest = await startNest({ slowdown: BUSY_MACHINE, ...options });
  await givePassword(nest, OLD);
  ({ body: tokens } = await signInWith(nest, OLD, P1, { device: DEVICE }));
};
afterEach(() => nest.stop());

const bearer = () => ({ bearer: tokens.access_token });
const sendTo = (factor_id: string, mfa_token: string) =>
  nest.call(`${V3}send_mfa_code`, { client_id: NATIVE, mfa_token, factor_id });
const firstStep = async (address = OLD) =>
  (await signInWith(nest, address, P1, { device: DEVICE })).body.meta.mfa_token;

async function addMail(): Promise<string> {
  const { body } = await createFactor(nest, tokens, { factor_type: "email" });
  await verifyFactor(nest, tokens, body.factor_id, digitsIn(nest.lastMail(OLD).text));
  return body.factor_id;
}

async function addAddress() {
  const asked = { client_id: NATIVE, identifier_type: "email", identifier_value: NEW };
  const { nonce } = (await nest.call(`${V3}send_verification`, asked, bearer())).body;
  const code = digitsIn(nest.lastMail(NEW).text);
  const proof = { client_id: NATIVE, nonce, code };
  expect((await nest.call(`${V3}verify_identifier`, proof, bearer())).status).toBe(200);
}

async function removeOld() {
  const { body } = await nest.call(`${V3}get_user`, {}, bearer());
  const old = body.identifiers.find(
    ({ identifier_value }: { identifier_value: string }) => identifier_value === OLD,
  );
  return nest.call(`${V3}remove_identifier`, { identifier_id: old.id }, bearer());
}

test("an address that gets the codes of the only factor can't be removed", async () => {
  await start();
  await addMail();
  await addAddress();
  expect((await removeOld()).body.code).toBe("last_sign_in_method");
});

test("no code of a factor goes to an address that its user removed", async () => {
  await start();
  const app = (await createFactor(nest, tokens)).body;
  await verifyFactor(nest, tokens, app.factor_id, appCode(app.secret, nest.clock.now(), -1));
  const second = await presentFactor(nest, await firstStep(), {
    ...{ factor_id: app.factor_id, code: appCode(app.secret, nest.clock.now()) },
  });
  tokens = second.body as Tokens;
  const mail = await addMail();
  await addAddress();
  expect((await removeOld()).status).toBe(200);
  nest.clock.advance(61);
  // It is offered neither to a sign-in nor to a session, and can be removed.
  const appOnly = [{ id: app.factor_id, factor_type: "totp", hint: null }];
  const required = await signInWith(nest, NEW, P1, { device: DEVICE });
  expect(required.body.meta.factors).toEqual(appOnly);
  const opened = await nest.call(`${V3}create_mfa_challenge`, { client_id: NATIVE }, bearer());
  expect(opened.body.factors).toEqual(appOnly);
  const listed = await nest.call(`${V3}list_mfa_factors`, {}, bearer());
  expect(listed.body.items).toHaveLength(2);
  const refused = async () => (await sendTo(mail, await firstStep(NEW))).body.code;
  expect(await refused()).toBe("factor_not_found");
  // Another user has the address now.
  await givePassword(nest, OLD);
  const last = nest.lastMail();
  expect(await refused()).toBe("factor_not_found");
  expect(nest.lastMail()).toBe(last);
});

test.each([
  ["a range", { LIMIT_SMS_PER_RANGE: "3" }, (n: number) => `6591234${800 + n}`],
  ["a day", { LIMIT_SMS_PER_DAY: "8" }, (n: number) => `6581${20 + n}4567`],
])("strangers can't use up the SMS of a factor with the new numbers of %s", async (_, limits, numberOf) => {
  await start({ environment: { ...limits, LIMIT_SMS_PER_NUMBER: "10" } });
  const { body } = await createFactor(nest, tokens, { factor_type: "sms", phone_number: "6591234567" });
  await verifyFactor(nest, tokens, body.factor_id, digitsIn(nest.lastSms(NUMBER).text));
  nest.clock.advance(61);
  const replies = [];
  for (let n = 0; n < 8; n++) {
    const asked = { client_id: NATIVE, identifier_type: "phone", identifier_value: numberOf(n) };
    replies.push((await nest.call(`${V3}send_otp`, asked, { ip: `198.51.${n}.9` })).status);
  }
  expect(replies).toContain(429);
  expect((await sendTo(body.factor_id, await firstStep())).status).toBe(200);
});

test("strangers can't use up the mails of a factor, because a known device has a limit of its own", async () => {
  await start({ environment: { LIMIT_LINKS_PER_ADDRESS: "5" } });
  const factor = await addMail();
  for (let n = 0; n < 8; n++) {
    const asked = { client_id: NATIVE, identifier_type: "email", identifier_value: OLD };
    await nest.call(`${V3}send_otp`, asked, { ip: `198.51.${n}.9` });
    nest.clock.advance(61);
  }
  expect((await sendTo(factor, await firstStep())).status).toBe(200);
});

test("a user whose document is gone can't add a factor, which no sign-in would ask for", async () => {
  await start();
  await nest.collection("users").deleteOne({ _id: tokens.user_id });
  expect((await createFactor(nest, tokens)).body.code).toBe("unauthorized");
  expect(await nest.collection("mfa_factors").countDocuments()).toBe(0);
});
