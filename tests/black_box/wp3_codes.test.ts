import { BSON } from "mongodb";
import { afterAll, beforeAll, expect, test } from "vitest";
import { digitsIn, wrongCode } from "#tests/support/codes.ts";
import { readJws } from "#tests/support/jws.ts";
import { type StackAnswer, startTestStack, type TestStack } from "#tests/support/local_stack.ts";
import { startNest } from "#tests/support/nest.ts";
import { V3 } from "#tests/support/plans.ts";

let stack: TestStack;
let client_id: string;
let internal: { authorization: string };
/** Secrets that this file saw, of which the database may contain none. */
const seen = { codes: [] as string[], secrets: [] as string[] };

beforeAll(async () => {
  // Limits use the real time, and a code is requested twice for one number.
  stack = await startTestStack({ settings: { LIMIT_CODES_PER_IDENTIFIER: "0" } });
  const { body } = await stack.ask("GET", "/dev/status");
  client_id = body.clients.native;
  internal = { authorization: `internal ${body.internal_key}` };
});
afterAll(() => stack[Symbol.asyncDispose]());

const call = (method: string, body: object, headers = {}): Promise<StackAnswer> =>
  stack.ask("POST", `${V3}${method}`, body, headers);
const send = (identifier_value: string, identifier_type = "phone") =>
  call("send_otp", { client_id, identifier_type, identifier_value });
const redeem = (presented: object) =>
  call("authenticate_user", { client_id, grant_type: "otp", ...presented, device: { device_id: "dev-1" } });

/** Requests a code by SMS. */
async function newCode(number: string): Promise<{ nonce: string; code: string }> {
  const { status, body } = await send(number);
  if (status !== 200) throw new Error(JSON.stringify(body));
  const { body: inbox } = await stack.ask("GET", "/dev/sms");
  const presented = { nonce: body.nonce as string, code: digitsIn(inbox.at(-1).text) };
  seen.codes.push(presented.code);
  seen.secrets.push(presented.nonce);
  return presented;
}

const errorOf = ({ status, body }: StackAnswer) => [status, body.code];
const NOT_FOUND = [404, "verification_not_found"];

test("WP3.1: a code by SMS signs a new user in, and the same user the second time", async () => {
  const { status, body: sent } = await send("6591234567");
  expect(status).toBe(200);
  expect(sent.nonce).toMatch(/^[0-9a-f]{64}$/);
  const { body: inbox } = await stack.ask("GET", "/dev/sms");
  expect(inbox.map(({ to }: { to: string }) => to)).toEqual(["+6591234567"]);
  const first = await redeem({ nonce: sent.nonce, code: digitsIn(inbox[0].text) });
  expect(first).toMatchObject({ status: 200, body: { user_created: true } });
  const { claims } = readJws(first.body.access_token);
  expect(claims).toMatchObject({ sub: first.body.user_id, device_id: "dev-1" });
  const second = await redeem(await newCode("+6591234567"));
  expect(second.body).toMatchObject({ user_created: false, user_id: first.body.user_id });
  seen.secrets.push(second.body.refresh_token.split(".")[2]);
});

test("WP3.2: numbers that can't get an SMS are refused with 400, and a failure of SNS with 502", async () => {
  for (const number of ["12", "+65123"])
    expect(errorOf(await send(number))).toEqual([400, "invalid_identifier"]);
  expect(errorOf(await send("+33612345678"))).toEqual([400, "country_not_allowed"]);
  await stack.ask("POST", "/dev/sms/faults", { calls: 1 });
  expect(errorOf(await send("+6591230002"))).toEqual([502, "delivery_failed"]);
});

test("WP3.3: unknown, wrong, foreign, used and expired codes get the same 404", async () => {
  const one = await newCode("+6591230003");
  const other = await newCode("+6591230004");
  const replies = [
    await redeem({ ...one, nonce: "0".repeat(64) }),
    await redeem({ ...one, code: wrongCode(one.code) }),
    await redeem({ nonce: other.nonce, code: one.code === other.code ? wrongCode(one.code) : one.code }),
  ];
  const signedIn = await redeem(one);
  expect(signedIn.status).toBe(200);
  // The session was used, so the same request does not repeat the response.
  await call("get_user", {}, { authorization: `bearer ${signedIn.body.access_token}` });
  replies.push(await redeem(one));
  stack.pass(10 * 60);
  replies.push(await redeem(other));
  for (const reply of replies) {
    expect(errorOf(reply)).toEqual(NOT_FOUND);
    expect(Object.keys(reply.body)).toEqual(["code"]);
  }
});

test("WP3.3: new codes do not reset the limit of wrong codes of a day", async () => {
  const limits = { LIMIT_CODE_FAILURES_PER_IDENTIFIER_AND_NETWORK: "20" };
  const nest = await startNest({ environment: limits });
  const post = (method: string, body: object) => nest.call(`${V3}${method}`, { client_id, ...body });
  let wrong = 0;
  let last = await post("get_user", {});
  for (let codes = 0; codes < 5; codes++) {
    const sent = await post("send_otp", { identifier_type: "phone", identifier_value: "+6591230005" });
    const code = wrongCode(digitsIn(nest.lastSms().text));
    for (let tries = 0; tries < 5 && last.status !== 429; tries++) {
      last = await post("authenticate_user", { grant_type: "otp", nonce: sent.body.nonce, code });
      if (last.status === 404) wrong++;
    }
  }
  expect([wrong, last.status]).toEqual([20, 429]);
  await nest.stop();
});

test("WP3.4: issue_token needs an internal key, a device and a known user, and is disabled in production", async () => {
  const { body: user } = await redeem(await newCode("+6591230006"));
  const asked = { client_id, user_id: user.user_id, device: { device_id: "dev-2" } };
  expect(errorOf(await call("issue_token", asked))).toEqual([403, "access_denied"]);
  const issued = await call("issue_token", asked, internal);
  expect(issued).toMatchObject({ status: 200, body: { user_id: user.user_id, amr: ["test"] } });
  expect(issued.body).not.toHaveProperty("refresh_token");
  expect(errorOf(await call("issue_token", { ...asked, device: undefined }, internal))).toEqual([
    ...[400, "validation_failed"],
  ]);
  expect(errorOf(await call("issue_token", { ...asked, user_id: "user_none" }, internal))).toEqual([
    ...[404, "user_not_found"],
  ]);
  const prod = await startNest({ environment: { STAGE: "prod" } });
  const refused = await prod.call(`${V3}issue_token`, asked, { internal: true });
  expect([refused.status, refused.body.code]).toEqual([403, "method_disabled"]);
  await prod.stop();
});

test("WP3.12: a dump of the database contains no code, no nonce and no refresh secret", async () => {
  const mail = await send("dump@example.com", "email");
  const { body: inbox } = await stack.ask("GET", "/dev/inbox");
  const presented = { nonce: mail.body.nonce, code: digitsIn(inbox.at(-1).text) };
  await redeem(await newCode("+6591230007"));
  const { body } = await redeem(presented);
  seen.codes.push(presented.code);
  seen.secrets.push(presented.nonce, body.refresh_token.split(".")[2], body.access_token);
  await newCode("+6591230008");

  const collections = await stack.database.listCollections().toArray();
  const documents = collections.map(({ name }) => stack.database.collection(name).find().toArray());
  const dump = BSON.EJSON.stringify(await Promise.all(documents));
  expect(dump).toContain("+6591230008");
  for (const secret of seen.secrets) expect(dump).not.toContain(secret);
  // Six digits within a hash are no code.
  for (const code of seen.codes) expect(dump).not.toMatch(new RegExp(`(?<![0-9a-f])${code}(?![0-9a-f])`));
});
