import { afterEach, beforeEach, expect, test } from "vitest";
import { appCode, createFactor, firstStep, presentFactor, verifyFactor } from "#tests/support/mfa.ts";
import { BUSY_MACHINE, startNest, type TestNest } from "#tests/support/nest.ts";
import { enrolPasskey, openCeremony, type PasskeyOwner } from "#tests/support/passkeys.ts";
import { P2, resetPassword, sentReset, signInWith } from "#tests/support/passwords.ts";

const ADA = "ada@example.com";
let nest: TestNest;
let ada: PasskeyOwner;
let app: { factor_id: string; secret: string };
beforeEach(async () => {
  nest = await startNest({
    slowdown: BUSY_MACHINE,
    environment: { LIMIT_CODE_FAILURES_PER_IDENTIFIER: "2" },
  });
  ada = await enrolPasskey(nest, ADA);
  app = (await createFactor(nest, ada.tokens)).body;
  const verified = await verifyFactor(nest, ada.tokens, app.factor_id, codeNow(-1));
  expect(verified.status).toBe(200);
});
afterEach(() => nest.stop());

const codeNow = (steps = 0) => appCode(app.secret, nest.clock.now(), steps);

/** Presents something as the owner, on a device that has not signed in. */
const present = async (mfa_token: string, presented: Record<string, unknown>) => {
  const { status, body } = await presentFactor(nest, mfa_token, presented);
  return [status, body.code];
};

/** Uses up the limit of codes of the user, as a person who has the password. */
async function useUpCodes() {
  const token = await firstStep(nest, ADA);
  const guess = () => present(token, { factor_id: app.factor_id, code: "000000" });
  expect([await guess(), await guess(), await guess()]).toEqual([
    ...[
      [401, "mfa_failed"],
      [401, "mfa_failed"],
      [429, "rate_limited"],
    ],
  ]);
}

test("a recovery code and a passkey sign the owner in after a stranger who has the password used up the limit of codes", async () => {
  await useUpCodes();
  const [recovery_code] = ada.recoveryCodes;
  expect(await present(await firstStep(nest, ADA), { recovery_code })).toEqual([200, undefined]);
  const token = await firstStep(nest, ADA);
  const { body } = await openCeremony(nest, { mfa_token: token });
  const credential = ada.authenticator.get(body.options);
  expect(await present(token, { credential })).toEqual([200, undefined]);
});

test("after a reset of the password too, codes stay limited and a recovery code signs in", async () => {
  await useUpCodes();
  const { token } = await sentReset(nest, { identifier_value: ADA });
  expect((await resetPassword(nest, { token, password: P2 })).status).toBe(200);
  const { body } = await signInWith(nest, ADA, P2);
  const { mfa_token } = body.meta;
  expect(await present(mfa_token, { factor_id: app.factor_id, code: codeNow() })).toEqual([
    429,
    "rate_limited",
  ]);
  expect(await present(mfa_token, { recovery_code: ada.recoveryCodes[0] })).toEqual([200, undefined]);
});

test("wrong recovery codes use up no limit of codes, and a challenge allows five", async () => {
  const token = await firstStep(nest, ADA);
  const answers = [];
  for (let tried = 0; tried < 6; tried++) answers.push(await present(token, { recovery_code: "aaaa-aaaa" }));
  expect(answers).toEqual([...Array(5).fill([401, "mfa_failed"]), [401, "mfa_token_expired"]]);
  const presented = { factor_id: app.factor_id, code: codeNow() };
  expect(await present(await firstStep(nest, ADA), presented)).toEqual([200, undefined]);
});
