import { afterAll, beforeAll, expect, test } from "vitest";
import app from "#app";
import messages from "#app/messages.ts";
import { mailboxHeader } from "#core/messages/mailbox.ts";
import { Mailer } from "#core/messages/mailer.ts";
import { Ses } from "#core/services/ses.ts";
import { type SesDouble, startSesDouble } from "#tools/local/ses_double.ts";

const ADDRESS = "<no-reply@acme.example>";
let ses: SesDouble;
beforeAll(async () => {
  ses = await startSesDouble();
});
afterAll(() => ses.close());

const send = (from: string, replyTo?: string) => {
  const sender = { from, replyTo, app, messages };
  return new Mailer(new Ses({ AWS_ENDPOINT_URL_SESV2: ses.url }), sender).send({
    to: "ada@example.com",
    locale: "en",
    template: "magic-link",
    variables: { magicLinkUrl: "https://magic.getbeak.app/?code=a.b&state=s" },
  });
};

/** The name as a mail program shows it. */
const decoded = (header: string) =>
  header
    .replace(/ ?<[^<>]*>$/, "")
    .replace(/^"(.*)"$/, "$1")
    .replaceAll(/\\(.)/g, "$1")
    .replaceAll("?= =?", "?==?")
    .replaceAll(/=\?UTF-8\?B\?([^?]*)\?=/g, (_, text: string) => Buffer.from(text, "base64").toString());

test.each([
  ["no-reply@acme.example", "no-reply@acme.example"],
  [ADDRESS, "no-reply@acme.example"],
  [`Acme App ${ADDRESS}`, `Acme App ${ADDRESS}`],
  [`Acme, Inc. ${ADDRESS}`, `"Acme, Inc." ${ADDRESS}`],
  [`"Acme, Inc." ${ADDRESS}`, `"Acme, Inc." ${ADDRESS}`],
  [`Acme\\ "App" ${ADDRESS}`, `"Acme\\\\ \\"App\\"" ${ADDRESS}`],
  [`Müller ${ADDRESS}`, `=?UTF-8?B?TcO8bGxlcg==?= ${ADDRESS}`],
])("writes the sender %s as %s", (mailbox, header) => {
  expect(mailboxHeader(mailbox)).toBe(header);
});

test.each([
  "Acme (Europe): tools; more",
  "Müller & Söhne, Inc.",
  "日本語".repeat(30),
  "🐦".repeat(40),
  "a@b.example",
])("SES takes a sender named %s, and a mail program shows that name", async (name) => {
  ses.clear();
  await send(`${name} ${ADDRESS}`, `${name} <help@acme.example>`);
  const [mail] = ses.inbox;
  for (const header of [mail?.from ?? "", mail?.reply_to ?? ""]) {
    expect(decoded(header)).toBe(name);
    for (const word of header.split(" ")) expect(word.length).toBeLessThanOrEqual(75);
  }
});

test.each(["Acme, Inc. <a@b.example>", "Müller <a@b.example>", "A: B; <a@b.example>"])(
  "the SES double refuses the header %s, as SES does",
  async (header) => {
    const transport = new Ses({ AWS_ENDPOINT_URL_SESV2: ses.url });
    const mail = {
      from: header,
      replyTo: undefined,
      to: "ada@example.com",
      subject: "s",
      html: "h",
      text: "t",
    };
    await expect(transport.sendEmail(mail, 2000)).rejects.toThrow();
  },
);
