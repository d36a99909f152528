import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import app from "#app";
import messages from "#app/messages.ts";
import { Mailer, mayHaveBeenSent } from "#core/messages/mailer.ts";
import { Ses } from "#core/services/ses.ts";
import { type SesDouble, startSesDouble } from "#tools/local/ses_double.ts";
import { freePort } from "#tools/machine/child_process.ts";

let ses: SesDouble;
let mailer: Mailer;
const mail = {
  to: "ada@example.com",
  locale: "en",
  template: "magic-link",
  variables: { magicLinkUrl: "https://magic.getbeak.app/?code=a.b&state=s" },
} as const;
const mailerAt = (endpoint: string) =>
  new Mailer(new Ses({ AWS_ENDPOINT_URL_SESV2: endpoint }), { from: "no-reply@getbeak.app", app, messages });
const failure = (sending: Promise<void>) =>
  sending.then(
    () => null,
    (error: unknown) => error,
  );

beforeAll(async () => {
  ses = await startSesDouble();
  mailer = mailerAt(ses.url);
});
beforeEach(() => ses.clear());
afterAll(() => ses.close());

test("sends no mail after the deadline", async () => {
  await mailer.until(Date.now() + 30_000).send(mail);
  for (const late of [0, 1, 10_000])
    expect(await failure(mailer.until(Date.now() - late).send(mail))).toMatchObject({
      code: "email_not_sent",
    });
  expect(ses.inbox).toHaveLength(1);
});

test("reports that a mail may have been sent only when SES received it and did not respond", async () => {
  for (const kind of ["error", "rate_limited", "rejected"] as const) {
    ses.fault({ calls: 1, kind });
    const refused = await failure(mailer.until(Date.now() + 30_000).send(mail));
    expect([refused, mayHaveBeenSent(refused)]).toMatchObject([{ code: "email_not_sent" }, false]);
  }
  expect(mayHaveBeenSent(await failure(mailer.until(Date.now()).send(mail)))).toBe(false);
  ses.fault({ calls: 1, kind: "hang" });
  expect(mayHaveBeenSent(await failure(mailer.until(Date.now() + 1_000).send(mail)))).toBe(true);
  const nowhere = mailerAt(`http://127.0.0.1:${await freePort()}`);
  expect(mayHaveBeenSent(await failure(nowhere.until(Date.now() + 30_000).send(mail)))).toBe(false);
});
