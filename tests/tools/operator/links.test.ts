import { afterEach, beforeEach, expect, test } from "vitest";
import { runCli } from "#tests/support/cli.ts";
import { codeIn, startNest, type TestNest, WINDOWS } from "#tests/support/nest.ts";
import { localEnvironment } from "#tools/local/secrets.ts";

const ADA = "ada@example.com";
let nest: TestNest;
beforeEach(async () => {
  nest = await startNest();
});
afterEach(() => nest.stop());

/** Runs the command with an operator's variables: no signing key and no key of rate limits. */
const send = (...args: string[]) => {
  const all = localEnvironment(nest.secrets, {
    issuer: "https://nest.test",
    mongoUri: nest.mongoUri,
    sesUrl: nest.ses.url,
    stripe: nest.stripe,
  });
  const keys = { SIGNING_KEYS: "", REFRESH_KEYS: "", INTERNAL_KEYS: "", RATE_LIMIT_KEY: "" };
  return runCli(["links", "send", ...args], { ...all, ...keys });
};
const sendJson = async (...args: string[]) => {
  const { status, printed } = await send(...args, "--json");
  expect(status, printed).toBe(0);
  return JSON.parse(printed);
};
const codeOfMail = () => codeIn(nest.lastMail());

test("mails a link that signs in with the printed code verifier, and only with it", async () => {
  const sent = await sendJson(" ADA@Example.com");
  const code = codeOfMail();
  expect(code).toContain(sent.authorization_id);
  const redeem = (code_verifier: string) =>
    nest.redeem(code, { client_id: sent.client_id, redirect_uri: sent.redirect_uri, code_verifier });
  expect((await redeem("another program's verifier, which is long enough")).status).toBe(400);
  expect(await redeem(sent.code_verifier)).toMatchObject({
    status: 200,
    body: { client_id: sent.client_id },
  });
  expect((await send(ADA)).printed).toContain("call authenticate_user with:");
});

test("mails a link for the client and the challenge of a program, and then prints no verifier", async () => {
  const challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
  const sent = await sendJson(ADA, "--client", WINDOWS, "--code-challenge", challenge, "--state", "theirs");
  expect(sent).toMatchObject({ client_id: WINDOWS, state: "theirs", code_verifier: null });
  const code_verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
  expect(await nest.redeem(codeOfMail(), { client_id: WINDOWS, code_verifier })).toMatchObject({
    status: 200,
  });
  expect(nest.lastMail().text).toContain("state=theirs");
});

test("does not count the link against the limit of the address", async () => {
  for (let sent = 0; sent < 12; sent++) await sendJson(ADA);
  expect(await nest.collection("limit-windows").countDocuments()).toBe(0);
  await nest.signIn(ADA);
});

test.each([
  [
    "an unknown client",
    [ADA, "--client", "client_none"],
    "No enabled client client_none. Enabled clients: client_",
  ],
  ["a foreign redirect URI", [ADA, "--redirect-uri", "https://other.example/"], "invalid_redirect_uri"],
  ["an invalid address", ["ada"], "invalid_email"],
])("refuses %s and stores no link", async (_what, args, message) => {
  expect(await send(...args)).toMatchObject({ status: 1, printed: expect.stringContaining(message) });
  expect(await nest.collection("authorizations").countDocuments()).toBe(0);
});

test("says that mail to an address is suppressed, and sends none", async () => {
  await nest.collection("mail-events").insertOne({
    _id: "mailevent_1" as never,
    ...{ type: "bounce", subType: "General", isPermanent: true, messageId: "m" },
    ...{ occurredAt: new Date().toISOString(), identifierValues: [ADA], recipients: [ADA] },
  });
  expect(await send(ADA)).toMatchObject({ status: 1, printed: expect.stringContaining("suppressed") });
  expect(await nest.collection("authorizations").countDocuments()).toBe(0);
});

test("fails when SES refuses the mail", async () => {
  nest.ses.fault({ calls: 1, kind: "error" });
  expect(await send(ADA)).toMatchObject({ status: 1, printed: expect.stringContaining("email_not_sent") });
});
