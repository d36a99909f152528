import { afterAll, beforeAll, describe, expect, test } from "vitest";
import app from "#app";
import { CAPTCHA_METHODS, CAPTCHA_PROVIDERS } from "#core/app/captcha_settings.ts";
import { clientWith } from "#tests/support/app.ts";
import { startTestStack, type TestStack } from "#tests/support/local_stack.ts";
import { V3 } from "#tests/support/plans.ts";

const HOSTNAME = "localhost";
const clients = CAPTCHA_PROVIDERS.map((provider) =>
  clientWith({
    id: `client_${provider}`,
    grants: ["otp"],
    captcha: { provider, hostnames: [HOSTNAME], requiredFor: CAPTCHA_METHODS },
  }),
);

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack({ app: { ...app, clients: [...app.clients, ...clients] } });
});
afterAll(() => stack[Symbol.asyncDispose]());

let people = 0;

describe.each(CAPTCHA_PROVIDERS)("WP2.9: a client with a CAPTCHA of %s", (provider) => {
  const post = (path: string, body: object) =>
    stack.ask("POST", path, body, { "content-type": "application/json" });
  const newToken = async (): Promise<string> => {
    const widget = { provider, hostname: HOSTNAME, action: "send_otp" };
    return (await post("/dev/captcha/tokens", widget)).body.token;
  };
  /** Requests a code. @returns the status, the error code, and how many mails were sent */
  const ask = async (captcha_token?: string) => {
    const before = stack.ses.inbox.length;
    const identifier_value = `person${++people}@example.com`;
    const asked = {
      client_id: `client_${provider}`,
      identifier_type: "email",
      identifier_value,
      captcha_token,
    };
    const { status, body } = await post(`${V3}send_otp`, asked);
    return [status, body.code ?? null, stack.ses.inbox.length - before];
  };

  test("requires a token, and sends with a good one, which works once", async () => {
    expect(await ask()).toEqual([400, "captcha_required", 0]);
    const token = await newToken();
    expect(await ask(token)).toEqual([200, null, 1]);
    expect(await ask(token)).toEqual([400, "captcha_failed", 0]);
    expect(await ask("made up")).toEqual([400, "captcha_failed", 0]);
  });

  const failures = ["refused", "wrong_hostname", ...(provider === "hcaptcha" ? [] : ["wrong_action"])];
  test.each(failures)("refuses the token if siteverify says %s", async (kind) => {
    await post("/dev/captcha/faults", { calls: 1, kind });
    expect(await ask(await newToken())).toEqual([400, "captcha_failed", 0]);
  });

  test.each(["slow", "down"])("sends nothing while siteverify is %s", async (kind) => {
    await post("/dev/captcha/faults", { calls: 1, kind });
    expect(await ask(await newToken())).toEqual([503, "captcha_unavailable", 0]);
  });
});
