import { afterAll, beforeAll, expect, test } from "vitest";
import app from "#app";
import { digitsIn } from "#tests/support/codes.ts";
import { tokenIn } from "#tests/support/identifiers.ts";
import { type StackAnswer, startTestStack, type TestStack } from "#tests/support/local_stack.ts";
import { P1, P2 } from "#tests/support/passwords.ts";
import { V3 } from "#tests/support/plans.ts";

type Body = Record<string, unknown>;

let stack: TestStack;
let clients: { native: string; simple: string };
beforeAll(async () => {
  // Limits use the real time, and one network registers and resets often.
  const limits = ["REGISTRATIONS_PER_NETWORK", "CODES_PER_IDENTIFIER", "LINKS_PER_NETWORK"];
  stack = await startTestStack({
    settings: Object.fromEntries(limits.map((name) => [`LIMIT_${name}`, "0"])),
  });
  const { body } = await stack.ask("GET", "/dev/status");
  clients = body.clients;
});
afterAll(() => stack[Symbol.asyncDispose]());

const call = (method: string, body: object, headers = {}): Promise<StackAnswer> =>
  stack.ask("POST", `${V3}${method}`, body, headers);
const of = (address: string) => ({ identifier_type: "email", identifier_value: address });
const register = (address: string, change: Body = {}) =>
  call("register_user", { client_id: clients.simple, ...of(address), password: P1, ...change });
const signIn = (address: string, password: string, client_id = clients.simple) =>
  call("authenticate_user", { client_id, grant_type: "password", ...of(address), password });
const askForReset = (address: string) =>
  call("send_password_reset", { client_id: clients.simple, ...of(address), redirect_uri: app.urls.landing });
const reset = (presented: Body) => call("reset_password", { client_id: clients.simple, ...presented });
const getUser = ({ access_token }: { access_token: string }) =>
  call("get_user", {}, { authorization: `bearer ${access_token}` });
const mailsTo = (address: string) => stack.ses.inbox.filter(({ to }) => to === address);
/** The newest mail to an address. `code` reads no digits of its links. */
function lastMail(address: string) {
  const text = mailsTo(address).at(-1)?.text ?? "";
  return { text, code: () => digitsIn(text.replace(/https?:\S+/g, "")) };
}
const errorOf = ({ status, body }: StackAnswer) => [status, body.code];
const NOT_FOUND = [404, "verification_not_found"];
const REFUSED = [401, "invalid_credentials"];

test("WP1.1: an immediate registration signs the new user in, who owns an account and has a password", async () => {
  const { status, body } = await register("wp1.1@x.test");
  expect([status, body.expires_in]).toEqual([200, 3600]);
  expect(body.access_token).toEqual(expect.any(String));
  expect((await getUser(body)).body).toMatchObject({
    ...{ email: "wp1.1@x.test", role: 100, has_password: true },
  });
});

test("WP1.2: a taken address is refused by immediate registration, and told nobody but its owner by the other mode", async () => {
  const [known, unknown] = ["wp1.2@x.test", "wp1.2.new@x.test"];
  await register(known);
  expect(errorOf(await register(known))).toEqual([409, "identifier_taken"]);
  // A mail goes to a proved address only; a claimed address can still be registered by its owner.
  const { body: sent } = await call("send_otp", { client_id: clients.native, ...of(known) });
  const proof = { client_id: clients.native, grant_type: "otp", nonce: sent.nonce };
  expect((await call("authenticate_user", { ...proof, code: lastMail(known).code() })).status).toBe(200);
  const replies = [
    await register(known, { client_id: clients.native }),
    await register(unknown, { client_id: clients.native }),
  ];
  const shapes = replies.map(({ status, body }) => [status, Object.keys(body), body.access_token]);
  expect(shapes[0]).toEqual([200, expect.any(Array), null]);
  expect(shapes[0]).toEqual(shapes[1]);
  expect(mailsTo(known).at(-1)?.subject).toBe("You already have a Beak account");
  expect(lastMail(known).text).not.toMatch(/\b\d{6}\b/);
});

test("WP1.3: a registration that proves the address first signs in with its mailed code only", async () => {
  const address = "wp1.3@x.test";
  const { body } = await register(address, { client_id: clients.native });
  expect(mailsTo(address)).toHaveLength(1);
  expect(errorOf(await signIn(address, P1, clients.native))).toEqual(REFUSED);
  const presented = { nonce: body.verification.nonce, code: lastMail(address).code() };
  const redeemed = await call("authenticate_user", {
    ...{ client_id: clients.native, grant_type: "otp", ...presented },
  });
  expect([redeemed.status, redeemed.body.user_created]).toEqual([200, true]);
  const { body: user } = await getUser(redeemed.body);
  expect(user.identifiers).toMatchObject([{ verified_at: expect.any(String) }]);
  expect((await signIn(address, P1, clients.native)).status).toBe(200);
});

test("WP1.4: a wrong password and an unknown address get the same response", async () => {
  await register("wp1.4@x.test");
  expect((await signIn("wp1.4@x.test", P1)).status).toBe(200);
  const wrong = await signIn("wp1.4@x.test", P2);
  const unknown = await signIn("wp1.4.unknown@x.test", P1);
  expect(errorOf(wrong)).toEqual(REFUSED);
  expect([unknown.status, unknown.body]).toEqual([wrong.status, wrong.body]);
});

test("WP1.5: passwords that are short, breached, contextual or too long are refused with the reason", async () => {
  const reasonsOf = async (password: string) => {
    const { status, body } = await register("wp1.5@x.test", { client_id: clients.native, password });
    return [status, body.reasons?.map(({ code }: { code: string }) => code)];
  };
  expect(await reasonsOf("userpw")).toEqual([400, ["too_short"]]);
  expect(await reasonsOf("a".repeat(15))).toEqual([400, ["breached"]]);
  expect(await reasonsOf(`always ${app.name} when it rains`)).toEqual([400, ["contextual"]]);
  const long = (length: number) => "Quite long, but not too long: ".repeat(5).slice(0, length);
  expect(await reasonsOf(long(64))).toEqual([200, undefined]);
  expect(await reasonsOf(long(128))).toEqual([200, undefined]);
  expect(await reasonsOf(long(129))).toEqual([400, ["too_long"]]);
});

test("WP1.5: a password with trailing spaces and emoji signs in exactly", async () => {
  const password = "a bird 🐦 and spaces  ";
  await register("wp1.5.exact@x.test", { password });
  expect((await signIn("wp1.5.exact@x.test", password)).status).toBe(200);
  expect(errorOf(await signIn("wp1.5.exact@x.test", password.trim()))).toEqual(REFUSED);
});

test("WP1.6: a reset replaces the password once, ends every session, and its token can be checked before", async () => {
  const address = "wp1.6@x.test";
  const { body: old } = await register(address);
  const known = await askForReset(address);
  const unknown = await askForReset("wp1.6.unknown@x.test");
  expect([known.status, unknown.status]).toEqual([200, 200]);
  expect(Object.keys(unknown.body)).toEqual(Object.keys(known.body));
  expect(lastMail("wp1.6.unknown@x.test").text).not.toMatch(/token=|\b\d{6}\b/);
  const token = tokenIn(lastMail(address).text);
  const checked = () => call("check_verification", { client_id: clients.simple, token });
  for (let times = 0; times < 2; times++)
    expect((await checked()).body).toMatchObject({ valid: true, purpose: "reset_password" });
  const done = await reset({ token, password: P2 });
  expect(done.status).toBe(200);
  expect(done.body.sessions_revoked).toBeGreaterThanOrEqual(1);
  expect((await getUser(old)).status).toBe(401);
  expect(errorOf(await signIn(address, P1))).toEqual(REFUSED);
  expect((await signIn(address, P2)).status).toBe(200);
  expect(errorOf(await reset({ token, password: P2 }))).toEqual(NOT_FOUND);
  expect(errorOf(await checked())).toEqual(NOT_FOUND);
});

test("WP1.9: a user who registered without a password gets one by the reset mail", async () => {
  const address = "wp1.9@x.test";
  const { body } = await register(address, { password: undefined, options: { send_reset_email: true } });
  expect(mailsTo(address).filter(({ text }) => text.includes("flow=reset_password"))).toHaveLength(1);
  expect((await getUser(body)).body.has_password).toBe(false);
  expect(errorOf(await signIn(address, P1))).toEqual(REFUSED);
  const token = tokenIn(lastMail(address).text);
  expect((await reset({ token, password: P1 })).status).toBe(200);
  expect((await signIn(address, P1)).status).toBe(200);
});
