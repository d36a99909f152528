import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { codeKey } from "#core/parts.ts";
import { USER_CODE_ATTEMPTS } from "#core/repositories/authorizations.ts";
import { readUserCode, showUserCode } from "#core/verifications/code_key.ts";
import { appWithClients } from "#tests/support/app.ts";
import {
  BUSY_MACHINE,
  linkRequest,
  MAC,
  startNest,
  type TestNest,
  V1,
  V2,
  WINDOWS,
} from "#tests/support/nest.ts";
import { V3 } from "#tests/support/plans.ts";
import { appWithUserCodes, askForLink, redeemLink, sentUserCode } from "#tests/support/user_codes.ts";

let nest: TestNest;
beforeEach(async () => {
  nest = await startNest({ app: appWithUserCodes(), slowdown: BUSY_MACHINE });
});
afterEach(() => nest.stop());

const NOT_FOUND = [404, { code: "verification_not_found" }];
const answerOf = ({ status, body }: { status: number; body: unknown }) => [status, body];
const WRONG = "CCCC-CCCC";
const split = ({ nonce, user_code }: { nonce: string; user_code: string }) => ({ nonce, user_code });

describe("send_magic_link of 2026-12-01", () => {
  test("returns nonce, expires_at and resend_at, and mails link and code with a warning", async () => {
    const reply = await askForLink(nest);
    expect(reply.status).toBe(200);
    expect(Object.keys(reply.body).sort()).toEqual(["expires_at", "nonce", "resend_at"]);
    expect(reply.body.nonce).toMatch(/^[0-9a-f]{64}$/);
    const now = nest.clock.now().getTime();
    expect(Date.parse(reply.body.expires_at)).toBeGreaterThan(now + 19 * 60_000);
    expect(Date.parse(reply.body.resend_at)).toBeGreaterThan(now + 50_000);
    const { text, html } = nest.lastMail();
    expect(text).toMatch(/^[BCDFGHJKMNPQRSTVWXZ34679]{4}-[BCDFGHJKMNPQRSTVWXZ34679]{4}$/m);
    expect(text).toContain("Nobody from Beak will ever ask you for this code");
    expect(html).toContain("Nobody from Beak will ever ask you for this code");
  });

  test("shows no code if the client does not set userCode, and at older dates", async () => {
    const plain = await startNest();
    expect(Object.keys((await askForLink(plain)).body).sort()).toEqual(["expires_at", "nonce", "resend_at"]);
    expect(plain.lastMail().text).not.toContain("ask you for this code");
    expect(await plain.collection("authorizations").findOne()).not.toHaveProperty("nonceHash");
    await plain.stop();
    expect((await nest.call(`${V1}send_magic_link`, linkRequest())).raw).toBe("");
    expect((await nest.call(`${V2}send_magic_link`, linkRequest())).status).toBe(204);
    expect(nest.lastMail().text).not.toContain("ask you for this code");
  });

  test("allows one link with a code in 60 s, and none of the limits of other links change", async () => {
    const environment = { LIMIT_CODES_PER_IDENTIFIER: "1" };
    const app = appWithClients({ id: MAC, userCode: true }, { id: WINDOWS });
    const strict = await startNest({ app, environment });
    await askForLink(strict);
    const again = await askForLink(strict);
    expect(again).toMatchObject({ status: 429, body: { code: "rate_limited" } });
    expect((await strict.call(`${V1}send_magic_link`, linkRequest())).status).toBe(204);
    const { status, body } = await askForLink(strict, { client_id: WINDOWS });
    expect([status, body.resend_at <= strict.clock.now().toISOString()]).toEqual([200, true]);
    await strict.stop();
  });

  test("stores neither the nonce nor the code in clear", async () => {
    const { nonce, user_code } = await sentUserCode(nest);
    const dump = await nest.dump();
    for (const secret of [nonce, user_code, user_code.replace("-", "")]) expect(dump).not.toContain(secret);
    expect(nest.logLines.join("\n")).not.toContain(user_code);
  });
});

describe("the grant authorization_code with a user code", () => {
  test("signs the person in, with amr otp, and the link does not work afterwards", async () => {
    const sent = await sentUserCode(nest);
    const { status, body } = await redeemLink(nest, split(sent));
    expect(status).toBe(200);
    expect(body).toMatchObject({ client_id: MAC, token_type: "bearer", amr: ["otp"] });
    expect((await redeemLink(nest, { code: sent.code })).body.code).toBe("token_used");
    expect((await nest.refresh(body.refresh_token)).status).toBe(200);
    expect(await nest.collection("sessions").countDocuments()).toBe(1);
  });

  test("is refused once the link was redeemed", async () => {
    const sent = await sentUserCode(nest);
    const { body } = await redeemLink(nest, { code: sent.code });
    expect(body.amr).toEqual(["link"]);
    expect(answerOf(await redeemLink(nest, split(sent)))).toEqual(NOT_FOUND);
  });

  test.each([
    ["in lower case", (code: string) => code.toLowerCase()],
    ["without the dash", (code: string) => code.replace("-", "")],
    ["with spaces and other dashes", (code: string) => ` ${code.replace("-", " – ")} `],
  ])("accepts a code that was typed %s", async (_how, typed) => {
    const sent = await sentUserCode(nest);
    const presented = { nonce: sent.nonce, user_code: typed(sent.user_code) };
    expect((await redeemLink(nest, presented)).status).toBe(200);
  });

  test("gives every wrong code, nonce, client, verifier and redirect URI the same answer", async () => {
    const sent = await sentUserCode(nest);
    const other = await sentUserCode(nest, { identifier_value: "grace@example.com" });
    const answers = [
      await redeemLink(nest, { ...split(sent), user_code: WRONG }),
      await redeemLink(nest, { ...split(sent), nonce: "0".repeat(64) }),
      await redeemLink(nest, split(sent), { client_id: WINDOWS }),
      await redeemLink(nest, split(sent), { code_verifier: "wrong" }),
      await redeemLink(nest, split(sent), { redirect_uri: "https://magic.getbeak.app/callback" }),
      await redeemLink(nest, { nonce: other.nonce, user_code: sent.user_code }),
    ];
    nest.clock.advance(20 * 60);
    answers.push(await redeemLink(nest, split(other)));
    for (const reply of answers) expect(answerOf(reply)).toEqual(NOT_FOUND);
    expect(await nest.collection("sessions").countDocuments()).toBe(0);
  });

  test("requires nonce, code_verifier and redirect_uri, and code if there is no user code", async () => {
    const sent = split(await sentUserCode(nest));
    const ask = async (change: object) => (await redeemLink(nest, sent, { ...change })).body.code;
    expect(await ask({ nonce: undefined })).toBe("nonce_missing");
    expect(await ask({ code_verifier: undefined })).toBe("code_verifier_missing");
    expect(await ask({ redirect_uri: undefined })).toBe("redirect_uri_missing");
    expect(await ask({ user_code: undefined })).toBe("code_missing");
    expect(await ask({ client_id: "client_none" })).toBe("client_not_found");
  });

  test("refuses the right code after five wrong ones, and the link still works", async () => {
    const sent = await sentUserCode(nest);
    for (let tries = 0; tries < USER_CODE_ATTEMPTS; tries++)
      expect(answerOf(await redeemLink(nest, { ...split(sent), user_code: WRONG }))).toEqual(NOT_FOUND);
    expect(answerOf(await redeemLink(nest, split(sent)))).toEqual(NOT_FOUND);
    expect((await redeemLink(nest, { code: sent.code })).status).toBe(200);
  });

  test("counts wrong codes for the address, across links, and a right code is not counted", async () => {
    const limit = { LIMIT_CODE_FAILURES_PER_IDENTIFIER_AND_NETWORK: "2" };
    const strict = await startNest({ app: appWithUserCodes(), environment: limit });
    const one = { device: undefined };
    for (let round = 0; round < 3; round++)
      expect((await redeemLink(strict, split(await sentUserCode(strict, one)))).status).toBe(200);
    for (let round = 0; round < 2; round++) {
      const wrong = { ...split(await sentUserCode(strict, one)), user_code: WRONG };
      expect(answerOf(await redeemLink(strict, wrong))).toEqual(NOT_FOUND);
    }
    const last = await sentUserCode(strict, one);
    expect((await redeemLink(strict, split(last))).body.code).toBe("rate_limited");
    expect((await redeemLink(strict, { code: last.code })).status).toBe(200);
    await strict.stop();
  });

  test("returns the same session after a lost response, until the session is used", async () => {
    const sent = await sentUserCode(nest);
    const lost = await redeemLink(nest, split(sent));
    nest.clock.advance(6);
    // The refresh token derives from the nonce, so the link can't get it.
    expect((await redeemLink(nest, { code: sent.code })).body.code).toBe("token_used");
    const again = await redeemLink(nest, split(sent));
    expect(again.body.refresh_token).toBe(lost.body.refresh_token);
    expect(await nest.collection("sessions").countDocuments()).toBe(1);
    await nest.call(`${V2}get_user`, { user_id: again.body.user_id }, { bearer: again.body.access_token });
    nest.clock.advance(6);
    expect(answerOf(await redeemLink(nest, split(sent)))).toEqual(NOT_FOUND);
  });

  test("records a wrong code in the audit log", async () => {
    const { user_id } = (await redeemLink(nest, split(await sentUserCode(nest)))).body;
    await redeemLink(nest, { ...split(await sentUserCode(nest)), user_code: WRONG });
    const failed = (await nest.moveEvents()).filter(({ action }) => action === "user.sign_in_failed");
    expect(failed).toMatchObject([
      { userId: user_id, outcome: "failure", errorCode: "verification_not_found" },
    ]);
  });
});

test("records in the audit log that a correct code was refused because its user is disabled; the response does not say so", async () => {
  const { user_id } = (await redeemLink(nest, split(await sentUserCode(nest)))).body;
  const sent = await sentUserCode(nest);
  await nest.call(`${V3}update_user`, { user_id, status: "disabled" }, { internal: true });
  expect(answerOf(await redeemLink(nest, split(sent)))).toEqual(NOT_FOUND);
  const failed = (await nest.moveEvents()).filter(({ action }) => action === "user.sign_in_failed");
  expect(failed).toMatchObject([
    { userId: user_id, errorCode: "verification_not_found", data: { cause: "disabled" } },
  ]);
});

describe("many user codes at once", () => {
  test("of 50 wrong codes, five are compared, and the right code is refused then", async () => {
    const sent = await sentUserCode(nest);
    const key = nest.gateway.part(codeKey);
    const matches = key.matches.bind(key);
    let compared = 0;
    key.matches = (...given) => {
      compared++;
      return matches(...given);
    };
    const wrong = { nonce: sent.nonce, user_code: WRONG };
    const replies = await Promise.all(Array.from({ length: 50 }, () => redeemLink(nest, wrong)));
    for (const reply of replies) expect(answerOf(reply)).toEqual(NOT_FOUND);
    expect(answerOf(await redeemLink(nest, split(sent)))).toEqual(NOT_FOUND);
    expect(compared).toBe(USER_CODE_ATTEMPTS);
  });

  test("of link and code redeemed at once, one wins", async () => {
    for (let round = 0; round < 10; round++) {
      const sent = await sentUserCode(nest, { identifier_value: `both-${round}@example.com` });
      const replies = await Promise.all(
        Array.from({ length: 8 }, (_, index) =>
          redeemLink(nest, index % 2 === 0 ? split(sent) : { code: sent.code }),
        ),
      );
      expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
      expect(await nest.collection("sessions").countDocuments()).toBe(round + 1);
    }
  });
});

test("a user code is shown in two groups and read without spaces, dashes and case", () => {
  expect(showUserCode("BCDFGH34")).toBe("BCDF-GH34");
  expect(readUserCode("  bcdf—gh 34\n")).toBe("BCDFGH34");
});
