import { SESv2Client, SendEmailCommand, type SendEmailCommandInput } from "@aws-sdk/client-sesv2";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import app from "#app";
import { TEMPLATES } from "#core/messages/templates/index.ts";
import { startMailPreview } from "#tools/local/mail_preview.ts";
import { type SesDouble, startSesDouble } from "#tools/local/ses_double.ts";

describe("the SES double, called by the SDK", () => {
  let double: SesDouble;
  let ses: SESv2Client;
  beforeAll(async () => {
    double = await startSesDouble();
    ses = new SESv2Client({
      endpoint: double.url,
      region: "eu-west-2",
      maxAttempts: 1,
      credentials: { accessKeyId: "a", secretAccessKey: "b" },
    });
  });
  afterAll(async () => {
    ses.destroy();
    await double.close();
  });

  const mail = (change: Partial<SendEmailCommandInput> = {}) =>
    new SendEmailCommand({
      FromEmailAddress: "Beak App <no-reply@getbeak.app>",
      Destination: { ToAddresses: ["ada@example.com"] },
      Content: {
        Simple: {
          Subject: { Data: "Subject" },
          Body: { Text: { Data: "Text & more" }, Html: { Data: "<p>Text</p>" } },
        },
      },
      ...change,
    });

  test("accepts an email, returns its id and keeps it in the inbox", async () => {
    double.clear();
    const { MessageId } = await ses.send(mail());
    expect(MessageId).toMatch(/^[0-9a-f-]{36}$/);
    expect(double.inbox).toMatchObject([
      {
        to: "ada@example.com",
        from: "Beak App <no-reply@getbeak.app>",
        subject: "Subject",
        text: "Text & more",
      },
    ]);
  });

  test.each([
    ["an address without a domain", { ToAddresses: ["ada"] }, "Missing final '@domain'"],
    ["a domain that starts with a dot", { ToAddresses: ["ada@.bar"] }, "Domain starts with dot"],
    ["a line break, which would add a header", { ToAddresses: ["a@b.c\r\nBcc: x@y.z"] }, "Header"],
    ["an address that is not ASCII", { ToAddresses: ["adä@example.com"] }, "illegal"],
  ])("rejects %s as SES does", async (_case, Destination, message) => {
    const before = double.inbox.length;
    await expect(ses.send(mail({ Destination }))).rejects.toMatchObject({
      name: "BadRequestException",
      message: expect.stringContaining(message),
    });
    expect(double.inbox).toHaveLength(before);
  });

  test.each([
    ["error", 500],
    ["rate_limited", 429],
    ["rejected", 400],
  ] as const)("fails the next call with the fault %s", async (kind, status) => {
    double.fault({ calls: 1, kind });
    await expect(ses.send(mail())).rejects.toMatchObject({ $metadata: { httpStatusCode: status } });
    await expect(ses.send(mail())).resolves.toBeDefined();
  });

  test("rejects an unsigned request and any other operation", async () => {
    const post = (path: string, headers: Record<string, string>) =>
      fetch(`${double.url}${path}`, { method: "POST", body: "{}", headers });
    expect((await post("/v2/email/outbound-emails", {})).status).toBe(403);
    expect((await post("/v2/email/identities", { authorization: "AWS4-HMAC-SHA256 x" })).status).toBe(404);
    expect((await post("/v2/email/outbound-emails", { authorization: "AWS4-HMAC-SHA256 x" })).status).toBe(
      400,
    );
  });
});

test("the email preview serves every template in every locale as HTML and as text", async () => {
  const { url, close } = await startMailPreview(0);
  const index = await (await fetch(url)).text();
  const typeOf = async (path: string) => (await fetch(`${url}${path}`)).headers.get("content-type");
  for (const name of Object.keys(TEMPLATES)) {
    for (const locale of app.locales) {
      expect(index).toContain(`src="/${locale}/${name}.html"`);
      expect(await typeOf(`${locale}/${name}.html`)).toBe("text/html; charset=utf-8");
      expect(await typeOf(`${locale}/${name}.txt`)).toBe("text/plain; charset=utf-8");
    }
  }
  for (const path of ["en/constructor.html", "fr/welcome.html", "welcome.html"])
    expect((await fetch(`${url}${path}`)).status).toBe(404);
  await close();
});
