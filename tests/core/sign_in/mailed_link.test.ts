import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { NEUTRAL_ANSWER_MS } from "#core/sign_in/neutral_answer.ts";
import { appWithClients } from "#tests/support/app.ts";
import { askForCode, redeemToken, sentToken } from "#tests/support/codes.ts";
import { tokenIn } from "#tests/support/identifiers.ts";
import {
  BUSY_MACHINE,
  linkIn,
  NATIVE,
  REDIRECT,
  startNest,
  type TestNest,
  WINDOWS,
} from "#tests/support/nest.ts";
import { V3 } from "#tests/support/plans.ts";

const BOTH = ["otp", "otp_link"] as const;
const CLOSED = "client_closed";
const TEMPLATES = "client_templates";

let nest: TestNest;
let people = 0;
beforeAll(async () => {
  const clients = [
    { id: NATIVE, grants: BOTH, phoneCountries: ["SG"] },
    { id: WINDOWS, grants: BOTH },
    { id: CLOSED, grants: BOTH, registration: "closed" as const },
    { id: "client_codes", grants: ["otp"] as const },
    { id: "client_links", grants: ["otp_link"] as const },
    {
      ...{ id: TEMPLATES, grants: ["otp_link"] as const, linkQuery: "code_and_email" as const },
      emailSenders: ["my@acme.example"],
      emailTemplates: [
        { fromEmail: "my@acme.example", subject: "Come in", body: "<p>Hello</p><p>Click [link]</p>" },
      ],
    },
  ];
  nest = await startNest({ app: appWithClients(...clients), slowdown: BUSY_MACHINE });
});
afterAll(() => nest.stop());

const next = () => `person${++people}@example.com`;
const ask = (identifier_value: string, change = {}) =>
  askForCode(nest, {
    client_id: NATIVE,
    identifier_type: "email",
    identifier_value,
    delivery: "link",
    ...change,
  });
const answerOf = ({ status, body }: { status: number; body: { code?: string } }) => [status, body.code];
const NOT_FOUND = [404, "verification_not_found"];
const stored = (identifierValue: string) =>
  nest.collection("verifications").find({ identifierValue }).toArray();

describe("send_otp with delivery link", () => {
  test("mails a link to the client's page with a token, and without an address or a code", async () => {
    const before = nest.clock.now().getTime();
    const { status, body } = await ask("Ada@Example.com", { redirect_uri: REDIRECT });
    expect([status, body.code_length]).toEqual([200, null]);
    expect(Date.parse(body.expires_at) - before).toBeGreaterThanOrEqual(600_000);
    expect(Date.parse(body.expires_at) - Date.parse(body.resend_at)).toBe(540_000);
    const mail = nest.lastMail("Ada@example.com");
    const token = tokenIn(mail.text);
    expect(linkIn(mail).href).toBe(`${REDIRECT}?token=${token}&flow=sign_in&client_id=${NATIVE}`);
    expect(`${mail.subject} ${mail.text}`).not.toMatch(/\b\d{6}\b/);
    expect(JSON.stringify(await stored("ada@example.com"))).not.toContain(token);
    expect(nest.logLines.join()).not.toContain(token);
  });

  test("opens the app's own page if the request names none, and refuses a page that is not on the client's list", async () => {
    await ask(next());
    expect(linkIn(nest.lastMail()).href).toMatch(
      new RegExp(`^${nest.gateway.core.app.urls.landing}\\?token=`),
    );
    const sent = nest.ses.inbox.length;
    const foreign = { redirect_uri: "https://evil.example/" };
    expect(answerOf(await ask(next(), foreign))).toEqual([400, "invalid_redirect_uri"]);
    expect(answerOf(await ask(next(), { ...foreign, delivery: "code" }))).toEqual([
      400,
      "invalid_redirect_uri",
    ]);
    expect(nest.ses.inbox).toHaveLength(sent);
  });

  test("is refused for a phone number: an SMS never has a link", async () => {
    const reply = await askForCode(nest, { client_id: NATIVE, delivery: "link" });
    expect(answerOf(reply)).toEqual([400, "validation_failed"]);
    expect(reply.body.meta.message).toContain("SMS");
    expect(nest.sns.inbox).toEqual([]);
  });

  test("needs the grant otp_link, and a code the grant otp, to send and to redeem", async () => {
    const codes = { client_id: "client_codes" };
    const links = { client_id: "client_links" };
    const code = { delivery: "code" };
    expect(answerOf(await ask(next(), codes))).toEqual([403, "grant_not_allowed"]);
    expect((await ask(next(), { ...codes, ...code })).status).toBe(200);
    expect(answerOf(await ask(next(), { ...links, ...code }))).toEqual([403, "grant_not_allowed"]);
    expect((await redeemToken(nest, await sentToken(nest, next(), links), links)).status).toBe(200);
    const token = "0".repeat(64);
    expect(answerOf(await redeemToken(nest, token, codes))).toEqual([403, "grant_not_allowed"]);
    const presented = { ...links, grant_type: "otp", nonce: token, code: "123456" };
    const refused = await nest.call(`${V3}authenticate_user`, presented);
    expect(answerOf(refused)).toEqual([403, "grant_not_allowed"]);
  });

  test("replaces an earlier link and an earlier code, and its nonce works with no code", async () => {
    const address = next();
    const first = await sentToken(nest, address);
    const { body } = await ask(address);
    expect(answerOf(await redeemToken(nest, first))).toEqual(NOT_FOUND);
    const presented = { client_id: NATIVE, grant_type: "otp", nonce: body.nonce, code: "123456" };
    expect(answerOf(await nest.call(`${V3}authenticate_user`, presented))).toEqual(NOT_FOUND);
    expect((await redeemToken(nest, tokenIn(nest.lastMail().text))).status).toBe(200);
  });

  test("with closed registration answers alike for known and unknown people, and signs up nobody", async () => {
    const client = { client_id: CLOSED };
    const known = next();
    await nest.signIn(known, { client_id: NATIVE });
    const sent = nest.ses.inbox.length;
    const replies = [];
    for (const address of [known, next()]) {
      const started = Date.now();
      replies.push(await ask(address, client));
      expect(Date.now() - started).toBeGreaterThanOrEqual(NEUTRAL_ANSWER_MS - 50);
    }
    const [one, other] = replies.map(({ status, body }) => [status, Object.keys(body), body.nonce.length]);
    expect(one).toEqual(other);
    expect(nest.ses.inbox).toHaveLength(sent + 1);
    const token = tokenIn(nest.lastMail().text);
    // The user was removed after the mail.
    await nest.collection("identifiers").deleteMany({ identifierValue: known });
    expect(answerOf(await redeemToken(nest, token, client))).toEqual(NOT_FOUND);
  });
});

describe("the grant otp with a token", () => {
  test("signs a new person up, and the same person in, with amr link and the claim device_id", async () => {
    const address = next();
    const device = { device_id: "d-1" };
    const first = await redeemToken(nest, await sentToken(nest, address), { device });
    expect(first).toMatchObject({ status: 200, body: { user_created: true, amr: ["link"] } });
    const user = await nest.call(`${V3}get_user`, {}, { bearer: first.body.access_token });
    expect(user.body).toMatchObject({ email: address, identifiers: [{ verified_at: expect.any(String) }] });
    const second = await redeemToken(nest, await sentToken(nest, address));
    expect(second.body).toMatchObject({ user_created: false, user_id: first.body.user_id });
  });

  test("gives unknown, used, expired and foreign tokens one answer", async () => {
    const token = await sentToken(nest, next());
    const expiring = await sentToken(nest, next());
    const answers = [
      await redeemToken(nest, "0".repeat(64)),
      await redeemToken(nest, token, { client_id: WINDOWS }),
    ];
    expect((await redeemToken(nest, token)).status).toBe(200);
    answers.push(await redeemToken(nest, token));
    nest.clock.advance(601);
    answers.push(await redeemToken(nest, expiring));
    for (const reply of answers) expect(answerOf(reply)).toEqual(NOT_FOUND);
  });

  test("refuses the token of a link of another purpose", async () => {
    const address = next();
    const token = await sentToken(nest, address);
    const verifications = nest.collection("verifications");
    for (const purpose of ["register", "verify_identifier", "reset_password", "invite", "disown"]) {
      await verifications.updateOne({ identifierValue: address }, { $set: { purpose } });
      expect(answerOf(await redeemToken(nest, token))).toEqual(NOT_FOUND);
    }
  });

  test("takes either a token, or nonce and code", async () => {
    const token = await sentToken(nest, next());
    expect(answerOf(await redeemToken(nest, token, { nonce: "n" }))).toEqual([400, "validation_failed"]);
    expect(answerOf(await redeemToken(nest, token, { code: "c" }))).toEqual([400, "validation_failed"]);
    expect((await redeemToken(nest, token)).status).toBe(200);
  });

  test("limits wrong tokens of a network, and never refuses a right one", async () => {
    const strict = await startNest({
      ...{ beside: nest, app: nest.gateway.core.app },
      environment: { LIMIT_VERIFICATION_FAILURES_PER_NETWORK: "1" },
    });
    const token = await sentToken(nest, next());
    const from = { ip: "198.51.100.99" };
    const codes = [];
    for (const wrong of ["1", "2"])
      codes.push((await redeemToken(strict, wrong.repeat(64), {}, from)).body.code);
    expect(codes).toEqual(["verification_not_found", "rate_limited"]);
    expect((await redeemToken(strict, token, {}, from)).status).toBe(200);
    await strict.stop();
  });

  test("of 50 redemptions of one link at once, one gets a session", async () => {
    const address = next();
    const token = await sentToken(nest, address);
    const before = await nest.collection("sessions").countDocuments();
    const replies = await Promise.all(Array.from({ length: 50 }, () => redeemToken(nest, token)));
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
    for (const reply of replies.filter(({ status }) => status !== 200))
      expect(answerOf(reply)).toEqual(NOT_FOUND);
    expect(await nest.collection("sessions").countDocuments()).toBe(before + 1);
    expect(await nest.collection("identifiers").countDocuments({ identifierValue: address })).toBe(1);
  });

  test("gives the same session again if the response was lost, until the session is used", async () => {
    const token = await sentToken(nest, next());
    const lost = await redeemToken(nest, token);
    nest.clock.advance(6);
    const again = await redeemToken(nest, token);
    expect(again.body).toMatchObject({
      session_id: lost.body.session_id,
      refresh_token: lost.body.refresh_token,
    });
    await nest.call(`${V3}get_user`, {}, { bearer: again.body.access_token });
    nest.clock.advance(6);
    expect(answerOf(await redeemToken(nest, token))).toEqual(NOT_FOUND);
  });
});

describe("a link with a mail of the caller's own", () => {
  const BODY = "<p>Hello</p><p>Click [link]</p>";
  const registered = { from_email: "my@acme.example", subject: "Come in", html_body: BODY };
  const send = (email: object, options: object = {}) => {
    const body = { ...{ client_id: TEMPLATES, delivery: "link", email }, identifier_type: "email" };
    return nest.call(`${V3}send_otp`, { ...body, identifier_value: next() }, options);
  };
  const internal = { internal: true };

  test("has the texts of an internal caller, whose sender and placeholder are checked", async () => {
    const own = {
      ...registered,
      subject: "Only for you",
      html_body: "<h1>Hi</h1>[link]<script>x()</script>",
    };
    expect((await send(own, internal)).status).toBe(200);
    const mail = nest.lastMail();
    expect([mail.subject, mail.from]).toEqual(["Only for you", expect.stringContaining("<my@acme.example>")]);
    expect(mail.html).not.toContain("script");
    expect(answerOf(await send({ from_email: "eve@other.example" }, internal))).toEqual([
      403,
      "sender_not_allowed",
    ]);
    expect(answerOf(await send({ html_body: "<p>Hello</p>" }, internal))).toEqual([
      400,
      "link_placeholder_missing",
    ]);
  });

  test("has other callers' texts only if the app file registers exactly these", async () => {
    expect((await send(registered)).status).toBe(200);
    expect(nest.lastMail()).toMatchObject({ subject: "Come in", text: expect.stringMatching(/^Hello/) });
    const { subject: _, ...part } = registered;
    for (const email of [
      { ...registered, subject: "Win a prize" },
      { ...registered, from_name: "Your bank" },
      { from_email: "eve@other.example" },
      { html_body: "<p>Hello</p>" },
      part,
      {},
    ]) {
      expect((await send(email)).status).toBe(200);
      expect(nest.lastMail()).toMatchObject({
        from: "Beak App <no-reply@getbeak.app>",
        subject: expect.stringContaining("Your Beak sign-in link"),
        text: expect.not.stringContaining("Hello"),
      });
    }
  });

  test("is refused with a code", async () => {
    expect(answerOf(await ask(next(), { delivery: "code", email: registered }))).toEqual([
      400,
      "validation_failed",
    ]);
  });

  test("has code and address as its query if the client says so, and opens the client's first page", async () => {
    const address = "ada+1@example.com";
    await ask(address, { client_id: TEMPLATES });
    const link = linkIn(nest.lastMail());
    const token = link.searchParams.get("code") ?? "";
    expect(link.href).toBe(`${REDIRECT}?code=${token}&email=ada%2B1%40example.com`);
    const redeemFor = (identifier_value: string) =>
      redeemToken(nest, token, { client_id: TEMPLATES, identifier_value });
    for (const other of ["ada@example.com", "eve@example.com", "no address"])
      expect(answerOf(await redeemFor(other))).toEqual(NOT_FOUND);
    expect((await redeemFor("Ada+1@Example.com")).status).toBe(200);
  });
});
