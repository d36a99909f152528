import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { renderCustomMail, sanitizeBody } from "#core/messages/custom_mail.ts";
import { appWithClients } from "#tests/support/app.ts";
import { linkIn, MAC, startNest, type TestNest } from "#tests/support/nest.ts";
import { askForLink, redeemLink } from "#tests/support/user_codes.ts";

let nest: TestNest;
beforeAll(async () => {
  const client = { id: MAC, userCode: true, emailSenders: ["Hello@acme.example"] };
  nest = await startNest({ app: appWithClients(client) });
});
afterAll(() => nest.stop());

const internal = { internal: true };
const ask = (email: object, options = internal) => askForLink(nest, { email }, options);
const BODY = '<h1>Hi</h1><p>Please <a href="[link]">sign in</a> &amp; enjoy.</p>';

describe("send_magic_link with a custom mail", () => {
  test("is refused without an internal key", async () => {
    expect(await askForLink(nest, { email: { subject: "x" } })).toMatchObject({
      ...{ status: 403, body: { code: "access_denied" } },
    });
    const { access_token: bearer } = await nest.signIn("bob@example.com");
    expect((await askForLink(nest, { email: {} }, { bearer })).status).toBe(403);
  });

  test("mails subject, sender and body with a link that works, and no address in the link", async () => {
    const email = { from_email: "hello@acme.example", from_name: "Acme, Inc.", subject: "Your link" };
    expect((await ask({ ...email, html_body: BODY })).status).toBe(200);
    const mail = nest.lastMail();
    expect([mail.subject, mail.from]).toEqual(["Your link", '"Acme, Inc." <hello@acme.example>']);
    const link = linkIn(mail);
    expect([...link.searchParams.keys()]).toEqual(["code", "state"]);
    expect(link.href).not.toContain("@");
    expect(mail.html).toContain(`<a href="${link.href.replace(/&/g, "&amp;")}">sign in</a>`);
    expect(mail.text).toMatch(/^Hi\n\nPlease sign in\n\nhttps:\S+\n\n& enjoy\.\n$/);
    expect(mail.text).not.toMatch(/[A-Z0-9]{4}-[A-Z0-9]{4}$/m);
    const code = link.searchParams.get("code") ?? "";
    expect((await redeemLink(nest, { code })).status).toBe(200);
  });

  test("keeps the rest of the usual mail if only the subject or the name is given", async () => {
    await ask({ subject: "Only this" });
    expect(nest.lastMail()).toMatchObject({ subject: "Only this", from: "Beak App <no-reply@getbeak.app>" });
    await ask({ from_name: "Ada" });
    expect(nest.lastMail().from).toBe("Ada <no-reply@getbeak.app>");
    expect(nest.lastMail().text).toContain("Sign in to Beak");
  });

  test("refuses a foreign sender, a body without a link, and header text with control characters", async () => {
    expect((await ask({ from_email: "eve@other.example" })).body.code).toBe("sender_not_allowed");
    for (const html_body of [
      "<p>Hello</p>",
      "<!-- [link] -->",
      "<style>[link]</style>",
      '<img alt="[link]">',
      '<p lang="[link]">Hello</p>',
      '<p dir="[link]">Hello</p>',
      '<p style="text-align:[link]">Hello</p>',
      '<p style="font-weight:bold;text-align:left[link]">Hello</p>',
      '<a href="x" lang="[link]">Hello</a>',
      '<p lang=">[link]">Hello</p>',
    ])
      expect((await ask({ html_body })).body.code).toBe("link_placeholder_missing");
    for (const change of [
      { subject: "a\r\nBcc: eve@other.example" },
      { subject: "a\u202eb" },
      { from_name: "a\nb" },
      { from_name: 'Bank <a@b.example>, "x"' },
    ])
      expect((await ask(change)).body.code).toBe("validation_failed");
  });
});

describe("the body of a custom mail", () => {
  test.each([
    ["scripts", '<script>alert(1)</script><a href="[link]" onclick="x()">a</a>', '<a href="[link]">a</a>'],
    ["other links", '<a href="https://evil.example">a</a>[link]', "<a>a</a>[link]"],
    ["links that only look like it", '<a href="javascript:[link]">a</a>[link]', "<a>a</a>[link]"],
    ["languages and directions", '<p lang="[link]" dir="rtl">[link]</p>', "<p>[link]</p>"],
    ["images", '<img src="https://t.example/p.gif"><p>[link]</p>', "<p>[link]</p>"],
    [
      "styles that hide",
      '<p style="display:none;color:#fff;font-size:0;text-align:center">[link]</p>',
      '<p style="text-align:center">[link]</p>',
    ],
    ["backgrounds that track", '<p style="background:url(https://t.example)">[link]</p>', "<p>[link]</p>"],
    ["forms and frames", '<form action="x"><iframe src="y"></iframe>[link]</form>', "[link]"],
    ["meta and base", '<base href="https://e.example"><meta http-equiv="refresh">[link]', "[link]"],
  ])("loses %s", (_what, given, left) => {
    expect(sanitizeBody(given)).toBe(left);
  });

  test("gets the URL escaped in the HTML part and literal in the text part", () => {
    const url = "https://a.example/?code=$&&state='\"<";
    const { html, text } = renderCustomMail(
      '<p>Go</p><ul><li>[link]</li></ul><a href="[link]">x</a>',
      url,
      "en",
    );
    expect(html).toContain('<a href="https://a.example/?code=$&amp;&amp;state=&#39;&quot;&lt;">x</a>');
    expect(text.split("\n").filter((line) => line === url)).toHaveLength(2);
  });
});
