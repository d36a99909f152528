import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { linksOf } from "#tests/support/mail_links.ts";
import { linkIn, linkRequest, MAC, REDIRECT, startNest, type TestNest, V1, V2 } from "#tests/support/nest.ts";

const BREAKS = ["\r\n", "\n", "\r", "\u2028", "\u0085", "\u000b", "%0d%0a", "\\r\\n", "=0D=0A", "\u560a"];
const SECOND = [
  "Bcc: evil@example.com",
  "Subject: x",
  "Content-Type: text/html",
  ".\r\nMAIL FROM:<x@y.example>",
];

describe("header and mail injection", () => {
  let nest: TestNest;
  beforeAll(async () => {
    nest = await startNest();
  });
  afterAll(() => nest.stop());
  beforeEach(() => nest.ses.clear());

  test("refuses line breaks in addresses, raw or encoded, so that they add no header or recipient", async () => {
    const addresses = BREAKS.flatMap((line) =>
      SECOND.flatMap((header) => [
        `ada@example.com${line}${header}`,
        `ada${line}${header}@example.com`,
        `ada@exa${line}${header}mple.com`,
        `${header}${line}ada@example.com`,
      ]),
    );
    for (const identifier_value of addresses) {
      const reply = await nest.call(`${V1}send_magic_link`, linkRequest({ identifier_value }));
      expect({ status: reply.status, code: reply.body?.code }, identifier_value).toEqual({
        status: 400,
        code: "invalid_email",
      });
    }
    expect(nest.ses.inbox).toEqual([]);
  });

  test("refuses lists, groups, display names, comments, routes and encoded words as an address", async () => {
    const addresses = [
      "ada@example.com,evil@example.com",
      "ada@example.com;evil@example.com",
      "ada@example.com evil@example.com",
      "ada@example.com, evil@example.com",
      "evil@example.com ada@example.com",
      "all: ada@example.com, evil@example.com;",
      "Ada <ada@example.com>",
      "<ada@example.com><evil@example.com>",
      "ada@example.com>",
      "@evil.example:ada@example.com",
      "ada(evil@example.com)@example.com",
      "=?utf-8?q?ada=40example.com=2Cevil?=@example.com",
      "ada@example.com\u0000.evil.example",
      "ada|mail@example.com|id",
      "-oQ/tmp/x@example.com evil",
    ];
    for (const identifier_value of addresses) {
      const reply = await nest.call(`${V1}send_magic_link`, linkRequest({ identifier_value }));
      if (reply.status === 204) {
        // An unusual local part may be valid. Then the mail has one recipient, exactly as typed.
        expect(nest.ses.inbox.map(({ to }) => to)).toEqual([identifier_value]);
        nest.ses.clear();
      } else expect(reply.body.code, identifier_value).toBe("invalid_email");
    }
  });

  test("caller input never reaches the subject, sender or reply-to, and the text part has one link on one line", async () => {
    const usual = await nest.requestLink();
    for (const line of BREAKS)
      for (const header of SECOND) {
        const text = `x${line}${header}${line}${line}https://evil.example/`;
        const mail = await nest.requestLink({
          state: text,
          device: { platform: "mac", beak_id: text, fingerprint: text },
        });
        expect({ subject: mail.subject, from: mail.from, reply_to: mail.reply_to, to: mail.to }).toEqual({
          subject: usual.subject,
          from: usual.from,
          reply_to: usual.reply_to,
          to: usual.to,
        });
        expect(mail.text.match(/^https?:\/\/.*$/gm)).toHaveLength(1);
        expect(mail.text.split("\n")).toHaveLength(usual.text.split("\n").length);
        expect(linkIn(mail).searchParams.get("state")).toBe(text);
        expect(mail.text + mail.html).not.toContain("https://evil.example");
      }
  });

  test("markup of a caller never reaches the HTML of a mail", async () => {
    const states = ['"><script>alert(1)</script>', "'><img src=x onerror=alert(1)>", "</a><a href=//evil>"];
    for (const state of states) {
      const mail = await nest.requestLink({ state });
      expect(mail.html).not.toMatch(/<script|<img|href="?\/\/evil|onerror=/i);
      const links = linksOf(mail);
      expect(links.map((link) => new URL(link).href)).toEqual([linkIn(mail).href]);
      expect(linkIn(mail).searchParams.get("state")).toBe(state);
    }
  });

  test("a forged Host, Origin or Referer does not change links", async () => {
    const names = ["host", "x-forwarded-host", "x-host", "x-original-url", "origin", "referer", "forwarded"];
    for (const name of names) {
      const mail = await nest.requestLink({}, { headers: { [name]: "https://evil.example" } });
      expect(linkIn(mail).origin + linkIn(mail).pathname, name).toEqual(REDIRECT);
      expect(mail.text + mail.html).not.toContain("evil.example");
    }
  });

  test("refuses methods such as TRACE, CONNECT and PUT on every path, and echoes nothing", async () => {
    const verbs = [
      "TRACE",
      "TRACK",
      "CONNECT",
      "DEBUG",
      "PUT",
      "PATCH",
      "DELETE",
      "PROPFIND",
      "GET\r\nx: y",
      "post",
    ];
    for (const path of [
      `${V1}send_magic_link`,
      "/1/webhook/stripe",
      "/health",
      "/.well-known/jwks.json",
      "/",
    ])
      for (const method of verbs) {
        const reply = await nest.call(path, linkRequest(), {
          method,
          headers: { "x-secret": "of-a-cookie" },
        });
        expect([404, 405]).toContain(reply.status);
        expect(reply.raw + JSON.stringify(reply.headers)).not.toContain("of-a-cookie");
      }
    expect(nest.ses.inbox).toEqual([]);
  });

  test("response headers never contain caller input, and every response is JSON with nosniff", async () => {
    const mark = "x-injected";
    const headers = {
      origin: `https://evil.example\r\n${mark}: 1`,
      "user-agent": `a\r\n${mark}: 1`,
      "request-id": mark,
      "x-request-id": mark,
      "x-amzn-trace-id": mark,
    };
    for (const path of [
      `${V1}list_news_items`,
      `${V2}get_user`,
      `/${mark}`,
      `${V1}<script>`,
      "/1/webhook/x",
    ]) {
      const reply = await nest.call(
        path,
        { client_id: MAC, user_id: "<script>alert(1)</script>" },
        { headers },
      );
      expect(JSON.stringify(reply.headers).toLowerCase(), path).toEqual(expect.not.stringContaining(mark));
      expect(reply.headers).toMatchObject({
        "content-type": "application/json",
        "x-content-type-options": "nosniff",
        "cache-control": "no-store",
      });
      expect(reply.headers).not.toHaveProperty("access-control-allow-origin");
    }
  });
});
