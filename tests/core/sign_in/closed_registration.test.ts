import { afterEach, beforeEach, expect, test } from "vitest";
import { NEUTRAL_ANSWER_MS } from "#core/sign_in/neutral_answer.ts";
import { appWithClients } from "#tests/support/app.ts";
import { codeIn, linkRequest, MAC, startNest, type TestNest, V1 } from "#tests/support/nest.ts";
import { askForLink, redeemLink } from "#tests/support/user_codes.ts";

let nest: TestNest;
beforeEach(async () => {
  nest = await startNest({ app: appWithClients({ id: MAC, registration: "closed" }) });
});
afterEach(() => nest.stop());

test("a link of 2026-12-01 is mailed to existing users only, and both get the same answer", async () => {
  await nest.signIn("ada@example.com");
  const mails = nest.ses.inbox.length;
  const startedAt = Date.now();
  const unknown = await askForLink(nest, { identifier_value: "nobody@example.com" });
  expect(Date.now() - startedAt).toBeGreaterThanOrEqual(NEUTRAL_ANSWER_MS);
  expect(nest.ses.inbox).toHaveLength(mails);
  const known = await askForLink(nest);
  expect(nest.ses.inbox).toHaveLength(mails + 1);
  expect(Object.keys(unknown.body)).toEqual(Object.keys(known.body));
  expect(unknown.status).toBe(known.status);
  expect((await redeemLink(nest, { code: codeIn(nest.lastMail()) })).status).toBe(200);
});

test("a mail that can't be sent gets the usual answer", async () => {
  await nest.signIn("ada@example.com");
  nest.ses.fault({ calls: 1, kind: "error" });
  expect((await askForLink(nest)).status).toBe(200);
});

test("a link of a user who was removed meanwhile creates no user, also when it is repeated", async () => {
  await nest.signIn("ada@example.com");
  await askForLink(nest);
  await nest.collection("identifiers").deleteMany({});
  const code = codeIn(nest.lastMail());
  expect((await redeemLink(nest, { code })).body.code).toBe("authorization_not_found");
  nest.clock.advance(6);
  expect((await redeemLink(nest, { code })).body.code).toBe("authorization_not_found");
  expect(await nest.collection("identifiers").countDocuments()).toBe(0);
});

test("links of older dates sign new people up, as installed programs expect", async () => {
  expect((await nest.call(`${V1}send_magic_link`, linkRequest())).status).toBe(204);
  expect((await nest.redeem(codeIn(nest.lastMail()))).status).toBe(200);
});
