import { BSON } from "mongodb";
import { afterAll, beforeAll, expect, test } from "vitest";
import { asUser } from "#tests/support/black_box.ts";
import { digitsIn } from "#tests/support/codes.ts";
import { type StackAnswer, startTestStack, type TestStack } from "#tests/support/local_stack.ts";
import { appCode } from "#tests/support/mfa.ts";
import { verifyOwnAddress } from "#tests/support/own_address.ts";
import { P1 } from "#tests/support/passwords.ts";
import { V3 } from "#tests/support/plans.ts";

const ADA = "ada@x.test";
let stack: TestStack;
let client_id: string;
/** Secrets that this file saw, of which the database may contain none. */
const seen: string[] = [];
let app: { id: string; secret: string };
/** Of the session that added the app. */
let enrolling: { access_token: string };
let recovery: string[];
/** Steps from the real time. Each code is of a later step than the one before. */
let step = -1;

beforeAll(async () => {
  stack = await startTestStack({ settings: { LIMIT_CODES_PER_IDENTIFIER: "0" } });
  client_id = (await stack.ask("GET", "/dev/status")).body.clients.simple;
  const registered = await call("register_user", identified({ password: P1 }));
  enrolling = registered.body;
  await verifyOwnAddress(stack, { client_id, address: ADA, headers: asUser(enrolling) });
});
afterAll(() => stack[Symbol.asyncDispose]());

const call = (method: string, body: object, headers = {}): Promise<StackAnswer> =>
  stack.ask("POST", `${V3}${method}`, body, headers);
const identified = (change: object = {}) => ({
  ...{ client_id, identifier_type: "email", identifier_value: ADA },
  ...change,
});
const code = (steps: number) => {
  const digits = appCode(app.secret, new Date(), steps);
  seen.push(digits);
  return digits;
};
const signIn = () => call("authenticate_user", identified({ grant_type: "password", password: P1 }));
const present = (mfa_token: string, presented: object) =>
  call("authenticate_user", { client_id, grant_type: "mfa", mfa_token, ...presented });
const token = async (): Promise<string> => (await signIn()).body.meta.mfa_token;
const codeOf = ({ status, body }: StackAnswer) => [status, body?.code];

test("WP3.5: an authenticator app is added by its first code, gives 10 recovery codes, and ends the other sessions", async () => {
  const other = await signIn();
  const created = await call("create_mfa_factor", { factor_type: "totp", confirm: true }, asUser(enrolling));
  app = { id: created.body.factor_id, secret: created.body.secret };
  seen.push(app.secret);
  expect(app.secret).toMatch(/^[A-Z2-7]{32}$/);
  expect(new URL(created.body.otpauth_uri).searchParams.get("issuer")).toBeTruthy();
  expect(created.body.qr_code).toMatch(/^data:image\/png;base64,/);
  const verify = (digits: string) =>
    call("verify_mfa_factor", { factor_id: app.id, code: digits }, asUser(enrolling));
  expect(codeOf(await verify("000000"))).toEqual([401, "mfa_failed"]);
  const verified = await verify(code(step));
  recovery = verified.body.recovery_codes;
  seen.push(...recovery);
  expect(new Set(recovery).size).toBe(10);
  expect((await call("get_user", {}, asUser(other.body))).status).toBe(401);
});

test("WP3.6 and WP3.9: no token without the second factor; a code works once, and five wrong ones end the challenge", async () => {
  const first = await signIn();
  expect(codeOf(first)).toEqual([403, "mfa_required"]);
  expect(JSON.stringify(first.body)).not.toContain("access_token");
  const { mfa_token } = first.body.meta;
  seen.push(mfa_token.split(".")[1]);
  expect((await call("get_user", {}, { authorization: `Bearer ${mfa_token}` })).status).toBe(401);
  step++;
  const digits = code(step);
  const second = await present(mfa_token, { factor_id: app.id, code: digits });
  expect(second.body.amr).toEqual(expect.arrayContaining(["pwd", "otp"]));
  const next = await token();
  expect(codeOf(await present(next, { factor_id: app.id, code: digits }))).toEqual([401, "mfa_failed"]);
  for (let tried = 0; tried < 4; tried++) await present(next, { factor_id: app.id, code: "000000" });
  expect(codeOf(await present(next, { recovery_code: recovery[9] }))).toEqual([401, "mfa_token_expired"]);
});

test("WP3.8: a recovery code works once, is counted, and is mailed about; new ones replace the old", async () => {
  const [first, second] = recovery;
  const used = await present(await token(), { recovery_code: first });
  expect(used.body.recovery_codes_left).toBe(9);
  expect(stack.ses.inbox.findLast(({ to }) => to === ADA)?.subject).toContain("recovery code");
  expect(codeOf(await present(await token(), { recovery_code: first }))).toEqual([401, "mfa_failed"]);
  const { body } = await call("regenerate_recovery_codes", {}, asUser(used.body));
  seen.push(...body.recovery_codes);
  expect(codeOf(await present(await token(), { recovery_code: second }))).toEqual([401, "mfa_failed"]);
  recovery = body.recovery_codes;
});

test("WP3.10: a code by SMS works for its own challenge only", async () => {
  const fresh = await present(await token(), { recovery_code: recovery.pop() });
  const asked = { factor_type: "sms", phone_number: "6591234567" };
  const { body } = await call("create_mfa_factor", asked, asUser(fresh.body));
  const newest = async () => digitsIn((await stack.ask("GET", "/dev/sms")).body.at(-1).text);
  const proof = { factor_id: body.factor_id, code: await newest() };
  expect((await call("verify_mfa_factor", proof, asUser(fresh.body))).status).toBe(200);
  const [one, other] = [await token(), await token()];
  await call("send_mfa_code", { client_id, mfa_token: one, factor_id: body.factor_id });
  const presented = { factor_id: body.factor_id, code: await newest() };
  expect(codeOf(await present(other, presented))).toEqual([401, "mfa_failed"]);
  const right = await present(one, presented);
  expect(right.body.amr).toContain("sms");
  const removed = await call("remove_mfa_factor", { factor_id: body.factor_id }, asUser(right.body));
  expect(removed.status).toBe(200);
});

test("WP3.12: the database has no seed, code, recovery code or token in clear", async () => {
  const collections = await stack.database.listCollections().toArray();
  const documents = collections.map(({ name }) => stack.database.collection(name).find().toArray());
  const dump = BSON.EJSON.stringify(await Promise.all(documents));
  for (const secret of seen) expect(dump).not.toContain(`"${secret}"`);
});

test("WP3.11: a password-only session can't remove the factor; with it, the login needs no second step", async () => {
  const own = await present(await token(), { recovery_code: recovery.pop() });
  expect((await call("remove_mfa_factor", { factor_id: app.id }, asUser(own.body))).status).toBe(200);
  expect((await signIn()).status).toBe(200);
  expect(stack.ses.inbox.findLast(({ to }) => to === ADA)?.text).toContain("was removed");
});
