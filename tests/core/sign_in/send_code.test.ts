import { afterEach, beforeEach, describe, expect, test } from "vitest";
import app from "#app";
import messages from "#app/messages.ts";
import { codeText } from "#core/messages/texter.ts";
import { Wording } from "#core/messages/wording.ts";
import { NEUTRAL_ANSWER_MS } from "#core/sign_in/neutral_answer.ts";
import { appWithClients } from "#tests/support/app.ts";
import { askForCode, digitsIn, PHONE, redeemCode, sentCode } from "#tests/support/codes.ts";
import { MAC, startNest, type TestNest, WINDOWS } from "#tests/support/nest.ts";
import { V3 } from "#tests/support/plans.ts";

const MAIL = { identifier_type: "email", identifier_value: "Ada@Example.com" };
const OTP_CLIENT = { id: MAC, grants: ["otp"] as const, phoneCountries: ["SG"] };

let nest: TestNest;
beforeEach(async () => {
  nest = await startNest();
});
afterEach(() => nest.stop());

describe("send_otp", () => {
  test("sends one SMS with six digits, and returns a nonce (P04 to P06)", async () => {
    const before = nest.clock.now().getTime();
    const { status, body } = await askForCode(nest, { identifier_value: "6591234567" });
    expect(status).toBe(200);
    expect(body.nonce).toMatch(/^[0-9a-f]{64}$/);
    expect(body.code_length).toBe(6);
    expect(Date.parse(body.expires_at) - before).toBeGreaterThanOrEqual(600_000);
    expect(Date.parse(body.expires_at) - Date.parse(body.resend_at)).toBe(540_000);
    expect(nest.sns.inbox).toHaveLength(1);
    const { to, text } = nest.lastSms();
    expect(to).toBe(PHONE);
    const code = digitsIn(text);
    expect(text).toBe(`${code} is your Beak code. Don't share it.\n\n@getbeak.app #${code}`);
    expect(nest.ses.inbox).toEqual([]);
  });

  test("mails the code to the address as it was typed, in the client's language", async () => {
    await nest.stop();
    nest = await startNest({ app: appWithClients({ ...OTP_CLIENT, locale: "de" }) });
    expect((await askForCode(nest, MAIL)).status).toBe(200);
    const { to, subject, text, html } = nest.lastMail();
    const code = digitsIn(text);
    expect(to).toBe("Ada@example.com");
    expect(subject).toBe(`${code} ist dein Code für Beak`);
    expect(html).toContain(code);
    expect(nest.sns.inbox).toEqual([]);
  });

  test.each(app.locales)("writes an SMS in %s that is paid for as one", (locale) => {
    const text = codeText(new Wording(app, messages, locale), "042917", "getbeak.app");
    // The characters of the SMS alphabet (GSM 03.38) that need one place each.
    expect(text).toMatch(/^[A-Za-z0-9@£$¥èéùìòÇØøÅåÄÖÑÜ§¿äöñüàÆæßÉ \n!"#%&'()*+,\-./:;<=>?]*$/);
    expect(text.length).toBeLessThanOrEqual(160);
    expect(text).not.toMatch(/https?:/);
  });

  test("binds an SMS to the page of a browser client", async () => {
    await nest.stop();
    const origins = ["http://localhost:5173", "https://app.acme.example"];
    nest = await startNest({ app: appWithClients({ ...OTP_CLIENT, origins }) });
    await askForCode(nest);
    expect(nest.lastSms().text).toContain("\n@app.acme.example #");
  });

  test.each([
    ["12", "invalid_identifier"],
    ["+65123", "invalid_identifier"],
    ["++6591234567", "invalid_identifier"],
    ["+449098790000", "invalid_identifier"],
    ["+33612345678", "country_not_allowed"],
  ])("refuses the number %s as %s and sends nothing", async (identifier_value, code) => {
    const { status, body } = await askForCode(nest, { identifier_value });
    expect([status, body.code]).toEqual([400, code]);
    expect(nest.sns.inbox).toEqual([]);
    expect(await nest.collection("verifications").countDocuments()).toBe(0);
  });

  test("refuses an address as invalid_identifier, with the message of invalid_email", async () => {
    const { status, body } = await askForCode(nest, { ...MAIL, identifier_value: "ada@.example" });
    expect(status).toBe(400);
    expect(body).toEqual({ code: "invalid_identifier", meta: { message: "Domain starts with dot" } });
  });

  test("refuses a client that does not list the grant, and does not exist at earlier versions", async () => {
    await nest.stop();
    nest = await startNest({ app: appWithClients({ id: MAC, phoneCountries: ["SG"] }) });
    expect((await askForCode(nest)).body.code).toBe("grant_not_allowed");
    expect((await redeemCode(nest, { nonce: "n", code: "123456" })).body.code).toBe("grant_not_allowed");
    for (const date of ["2020-12-14", "2021-10-06"])
      expect((await nest.call(`/1/${date}/send_otp`, {})).body.code).toBe("not_found");
  });

  test.each(["2020-12-14", "2021-10-06"])("the grant otp does not exist at %s", async (date) => {
    const body = { client_id: MAC, grant_type: "otp", nonce: "n", code: "123456" };
    const reply = await nest.call(`/1/${date}/authenticate_user`, body);
    expect([reply.status, reply.body.code]).toEqual([400, "validation_failed"]);
  });

  test.each(["error", "rate_limited", "rejected", "hang"] as const)(
    "answers delivery_failed if SNS fails with %s, and names no number in the log (P08)",
    async (kind) => {
      nest.sns.fault({ calls: 1, kind });
      const { status, body } = await askForCode(nest);
      expect([status, body]).toEqual([502, { code: "delivery_failed" }]);
      expect(nest.logLines.join()).not.toContain("91234567");
      expect((await askForCode(nest)).status).toBe(200);
    },
  );

  test("answers delivery_failed if SES fails", async () => {
    nest.ses.fault({ calls: 1, kind: "rejected" });
    const { status, body } = await askForCode(nest, MAIL);
    expect([status, body]).toEqual([502, { code: "delivery_failed" }]);
    expect(nest.logLines.join().toLowerCase()).not.toContain("ada@");
  });

  test("stores hashes only of nonce and code", async () => {
    const { nonce, code } = await sentCode(nest);
    const [stored] = await nest.collection("verifications").find().toArray();
    expect(stored).toMatchObject({
      _id: expect.stringMatching(/^verif_[0-9A-Za-z]{27}$/),
      ...{ purpose: "sign_in", identifierValue: PHONE, country: "SG", attempts: 0 },
    });
    expect(JSON.stringify(stored)).not.toContain(nonce);
    expect(JSON.stringify({ ...stored, createdAt: "", expiresAt: "", purgeAt: "" })).not.toContain(code);
  });

  test("revokes the earlier code of the identifier, also of another client", async () => {
    const first = await sentCode(nest, { client_id: WINDOWS });
    const other = await sentCode(nest, { identifier_value: "+6598765432" });
    const second = await sentCode(nest);
    expect((await redeemCode(nest, first, { client_id: WINDOWS })).body.code).toBe("verification_not_found");
    expect((await redeemCode(nest, second)).status).toBe(200);
    expect((await redeemCode(nest, other)).status).toBe(200);
  });
});

describe("send_otp of a client with closed registration", () => {
  const closed = appWithClients({ ...OTP_CLIENT, registration: "closed" });
  const open = appWithClients(OTP_CLIENT);

  const timed = async (identifier_value: string) => {
    const startedAt = performance.now();
    const reply = await askForCode(nest, { identifier_value });
    return { reply, took: performance.now() - startedAt };
  };

  test("answers known and unknown people alike, after the same time, and sends to known ones only", async () => {
    await nest.stop();
    nest = await startNest({ app: open });
    await redeemCode(nest, await sentCode(nest));
    nest.sns.clear();
    const beside = await startNest({ app: closed, beside: nest });
    const before = nest;
    nest = beside;
    const known = await timed(PHONE);
    const unknown = await timed("+6598765432");
    nest.sns.fault({ calls: 1, kind: "error" });
    const failed = await timed(PHONE);
    nest = before;
    for (const { reply, took } of [known, unknown, failed]) {
      expect(reply.status).toBe(200);
      expect(Object.keys(reply.body).sort()).toEqual(["code_length", "expires_at", "nonce", "resend_at"]);
      // A timer may fire a millisecond early.
      expect(took).toBeGreaterThanOrEqual(NEUTRAL_ANSWER_MS - 2);
    }
    expect(nest.sns.inbox.map(({ to }) => to)).toEqual([PHONE]);
    const purposes = await nest
      .collection("verifications")
      .find({ identifierValue: "+6598765432" })
      .toArray();
    expect(purposes).toHaveLength(1);
    await beside.stop();
  });

  test("makes no user, even if registration was open when the code was sent", async () => {
    await nest.stop();
    nest = await startNest({ app: open });
    const sent = await sentCode(nest);
    const beside = await startNest({ app: closed, beside: nest });
    const reply = await redeemCode(beside, sent);
    expect([reply.status, reply.body.code]).toEqual([404, "verification_not_found"]);
    expect(await nest.collection("users").countDocuments()).toBe(0);
    await beside.stop();
  });
});

test("a request with a field of a later version is refused", async () => {
  const reply = await nest.call(`${V3}send_otp`, { client_id: MAC, voice: true, ...MAIL });
  expect(reply.body.code).toBe("validation_failed");
});
