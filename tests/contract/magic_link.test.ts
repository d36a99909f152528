import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { linkIn, linkRequest, REDIRECT, startNest, type TestNest, V1, WEB } from "#tests/support/nest.ts";

describe("contract J, magic link", () => {
  let nest: TestNest;
  beforeAll(async () => {
    nest = await startNest();
  });
  afterAll(() => nest.stop());
  beforeEach(() => nest.ses.clear());

  const link = (change: Record<string, unknown>) => nest.call(`${V1}send_magic_link`, linkRequest(change));

  test("J21: mails a link with the code and the unchanged state to the address as it was typed", async () => {
    const mail = await nest.requestLink();
    expect(nest.ses.inbox).toHaveLength(1);
    expect({ to: mail.to, subject: mail.subject, from: mail.from }).toEqual({
      to: "Ada@example.com",
      subject: "🐦 Your Beak Magic Link!",
      from: "Beak App <no-reply@getbeak.app>",
    });
    const url = linkIn(mail);
    expect(url.origin + url.pathname).toBe(REDIRECT);
    expect(url.searchParams.get("state")).toBe("s/1+x");
    expect(url.searchParams.get("code")).toMatch(/^authzcode_[0-9A-Za-z]{27}\.[0-9a-f]{64}$/);
  });

  test("J22: the text part contains the unescaped URL", async () => {
    const mail = await nest.requestLink();
    expect(mail.text).toContain(`&state=%73%2F%31%2B%78\n`);
    expect(mail.text).not.toMatch(/&amp;|&#x3D;/);
    expect(mail.html).toContain("&amp;state=%73%2F%31%2B%78");
  });

  test.each(["YQ", "a".repeat(64), "lx-rA_q0"])(
    "a plain state is in the link unencoded: %j",
    async (state) => {
      expect((await nest.requestLink({ state })).text).toContain(`&state=${state}\n`);
    },
  );

  test("an internal caller's state is encoded as a URL needs it, and ends in no punctuation", async () => {
    await nest.call(`${V1}send_magic_link`, linkRequest({ state: "order 12/b (new)." }), { internal: true });
    expect(nest.lastMail().text).toContain("&state=order%2012%2Fb%20%28new%29%2E\n");
  });

  test.each([
    ["foo", "Missing final '@domain'"],
    ["foo@", "Missing final '@domain'"],
    ["foo@.bar", "Domain starts with dot"],
    ["a b@example.com", "Missing final '@domain'"],
    ["a@b@example.com", "Missing final '@domain'"],
    ["a@localhost", "Missing final '@domain'"],
    ["a\r\nbcc: x@example.com", "Missing final '@domain'"],
    ["\u212Aate@example.com", "Missing final '@domain'"],
    ["a@exa mple.com", "Missing final '@domain'"],
    ["a@127.0.0.1", "Missing final '@domain'"],
    ["a,b@example.com", "Missing final '@domain'"],
    [`${"a".repeat(249)}@b.com`, "Missing final '@domain'"],
    [`${"a".repeat(40_000)}@b.com`, "Missing final '@domain'"],
  ])(
    "J23: %j is invalid_email with the message that the app expects; nothing is mailed or stored",
    async (identifier_value, message) => {
      const before = await nest.collection("authorizations").countDocuments();
      const reply = await link({ identifier_value });
      expect({ status: reply.status, body: reply.body }).toEqual({
        status: 400,
        body: { code: "invalid_email", meta: { message } },
      });
      expect(nest.ses.inbox).toEqual([]);
      expect(await nest.collection("authorizations").countDocuments()).toBe(before);
    },
  );

  test("J24: device may be absent, but not null or of an unknown platform", async () => {
    expect((await link({ device: undefined })).status).toBe(204);
    expect((await link({ device: null })).body.code).toBe("validation_failed");
    expect((await link({ device: { platform: "web", beak_id: "b", fingerprint: "f" } })).body.code).toBe(
      "validation_failed",
    );
  });

  test("J25: an unknown client or redirect URI is refused", async () => {
    expect((await link({ client_id: "client_none" })).body).toEqual({ code: "client_not_found" });
    expect((await link({ redirect_uri: "https://magic.getbeak.app" })).body).toEqual({
      code: "invalid_redirect_uri",
    });
    expect((await link({ redirect_uri: "https://magic.getbeak.app/callback" })).status).toBe(204);
  });

  test("J26: the disabled web client is client_not_found", async () => {
    expect((await link({ client_id: WEB, redirect_uri: "https://rio.getbeak.app/" })).body.code).toBe(
      "client_not_found",
    );
  });

  test("J27: another challenge method or identifier type is validation_failed", async () => {
    expect((await link({ code_challenge_method: "plain" })).body.code).toBe("validation_failed");
    expect((await link({ identifier_type: "phone" })).body.code).toBe("validation_failed");
  });

  test.each(["error", "rate_limited", "rejected"] as const)(
    "is email_not_sent if SES returns %s, and the next request works",
    async (kind) => {
      nest.ses.fault({ calls: 1, kind });
      const reply = await link({});
      expect({ status: reply.status, body: reply.body }).toEqual({
        status: 502,
        body: { code: "email_not_sent" },
      });
      expect((await link({})).status).toBe(204);
    },
  );
});
