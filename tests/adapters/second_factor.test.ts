import { afterAll, beforeAll, expect, test } from "vitest";
import { digitsIn } from "#tests/support/codes.ts";
import { startTestStack, type TestStack } from "#tests/support/local_stack.ts";
import { appCode } from "#tests/support/mfa.ts";
import { verifyOwnAddress } from "#tests/support/own_address.ts";
import { V3 } from "#tests/support/plans.ts";
import { StaticBackend } from "#tests/support/static_backend.ts";
import { ADAPTER_CLIENT_IDS } from "#tools/local/sample_clients.ts";

const ADA = "ada@example.com";
const REFUSED = "This user signs in with a second step, which this program can't ask for.";
let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack({ settings: { LIMIT_CODES_PER_IDENTIFIER: "0" } });
});
afterAll(() => stack[Symbol.asyncDispose]());

const as = (token: string) => ({ authorization: `bearer ${token}` });

/** Adds an authenticator app with the token of an adapter. */
async function addApp(token: string): Promise<void> {
  const asked = { factor_type: "totp", confirm: true };
  const { body } = await stack.ask("POST", `${V3}create_mfa_factor`, asked, as(token));
  const proof = { factor_id: body.factor_id, code: appCode(body.secret, new Date()) };
  const verified = await stack.ask("POST", `${V3}verify_mfa_factor`, proof, as(token));
  expect(verified.body.recovery_codes).toHaveLength(10);
}

test("static_backend does not sign a user with a second factor in with a password", async () => {
  const backend = await StaticBackend.of(stack);
  const token = await backend.register(ADA);
  const client_id = ADAPTER_CLIENT_IDS.static_backend;
  await verifyOwnAddress(stack, { client_id, address: ADA, headers: as(token) });
  const own = await backend.login(ADA);
  await addApp(JSON.parse(own.text));
  const { status, text } = await backend.login(ADA);
  expect([status, text]).toEqual([403, REFUSED]);
});

test("beep does not sign a user with a second factor in with an SMS", async () => {
  const { body } = await stack.ask("GET", "/dev/status");
  const post = async (path: string, fields: object) => {
    const headers = { "content-type": "application/json" };
    const url = `${body.adapters.beep.url}${path}`;
    const response = await fetch(url, { method: "POST", body: JSON.stringify(fields), headers });
    return { status: response.status, text: await response.text() };
  };
  const signIn = async () => {
    const { text: nonce } = await post("/init", { phone_number: "6591234567" });
    const { body: inbox } = await stack.ask("GET", "/dev/sms");
    return post("/verify", { code: digitsIn(inbox.at(-1).text), nonce, clientid: "mac" });
  };
  const first = await signIn();
  expect(first.status).toBe(200);
  await addApp(first.text);
  expect(await signIn()).toEqual({ status: 403, text: REFUSED });
});
