import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { atOnce } from "#tests/support/concurrency.ts";
import { appCode, type Enrolled, enrol, firstStep, presentFactor } from "#tests/support/mfa.ts";
import { BUSY_MACHINE, NATIVE, startNest, type TestNest } from "#tests/support/nest.ts";
import { V3 } from "#tests/support/plans.ts";

let nest: TestNest;
let ada: Enrolled;
beforeEach(async () => {
  nest = await startNest({ slowdown: BUSY_MACHINE });
  ada = await enrol(nest, "ada@example.com");
});
afterEach(() => nest.stop());

const as = ({ access_token: bearer }: { access_token: string }) => ({ bearer });
const userOf = (tokens: { access_token: string }) => nest.call(`${V3}get_user`, {}, as(tokens));
const stranger = { ip: "198.51.100.77" };

/** Completes a step-up. @returns its tokens, and a call that presents the same token and code again from another network */
async function stepUp() {
  const opened = await nest.call(`${V3}create_mfa_challenge`, { client_id: NATIVE }, as(ada.tokens));
  const presented = { factor_id: ada.factorId, code: appCode(ada.seed, nest.clock.now()) };
  const { mfa_token } = opened.body;
  const { status, raw, body } = await presentFactor(nest, mfa_token, presented);
  if (status !== 200) throw new Error(`the step-up answered ${raw}`);
  const request = { client_id: NATIVE, grant_type: "mfa", mfa_token, ...presented };
  return { tokens: body, again: () => nest.call(`${V3}authenticate_user`, request, stranger) };
}

test("a step-up whose response was lost gives its access token again, for as long as nobody has used it", async () => {
  // The session has used its own token before, so its generation tells nothing about the token of the step-up.
  expect((await userOf(ada.tokens)).status).toBe(200);
  const { again } = await stepUp();
  nest.clock.advance(300);
  const second = await again();
  expect(second.body).toMatchObject({ refresh_token: null, amr: ["pwd", "otp", "mfa"] });
  nest.clock.advance(60);
  const third = await again();
  expect((await userOf(third.body)).status).toBe(200);
});

test("a step-up can't be repeated once its access token was used", async () => {
  const { tokens, again } = await stepUp();
  expect((await userOf(tokens)).status).toBe(200);
  nest.clock.advance(300);
  const { status, body } = await again();
  expect([status, body.code]).toEqual([401, "mfa_token_expired"]);
});

test("a step-up can't be repeated once its session was refreshed", async () => {
  const { again } = await stepUp();
  expect((await nest.refresh(ada.tokens.refresh_token, { client_id: NATIVE })).status).toBe(200);
  nest.clock.advance(300);
  expect((await again()).body.code).toBe("mfa_token_expired");
});

test("a sign-in with a second factor can't be repeated once its access token was used", async () => {
  const token = await firstStep(nest, "ada@example.com");
  const presented = { factor_id: ada.factorId, code: appCode(ada.seed, nest.clock.now()) };
  const { body } = await presentFactor(nest, token, presented);
  expect((await userOf(body)).status).toBe(200);
  nest.clock.advance(300);
  expect((await presentFactor(nest, token, presented)).body.code).toBe("mfa_token_expired");
});

/** Opens a step-up of a session. @returns presents a code with it */
async function openStepUp(tokens: { access_token: string }) {
  const { mfa_token } = (await nest.call(`${V3}create_mfa_challenge`, { client_id: NATIVE }, as(tokens)))
    .body;
  return async (code: string) => {
    const { status, body } = await presentFactor(nest, mfa_token, { factor_id: ada.factorId, code });
    return [status, body.code];
  };
}

const OK = [200, undefined];
const WRONG = [401, "mfa_failed"];
const LIMITED = [429, "rate_limited"];
const rightCode = () => appCode(ada.seed, nest.clock.now());

describe("with a limit of wrong codes", () => {
  beforeEach(async () => {
    await nest.stop();
    nest = await startNest({
      slowdown: BUSY_MACHINE,
      environment: { LIMIT_CODE_FAILURES_PER_IDENTIFIER: "2" },
    });
    ada = await enrol(nest, "ada@example.com");
  });

  test("a session can step up after a stranger who has the password used up the limit of its user", async () => {
    const token = await firstStep(nest, "ada@example.com");
    const guess = async () => {
      const { body } = await presentFactor(nest, token, { factor_id: ada.factorId, code: "000000" });
      return body.code;
    };
    expect([await guess(), await guess(), await guess()]).toEqual([
      ...["mfa_failed", "mfa_failed", "rate_limited"],
    ]);
    const present = await openStepUp(ada.tokens);
    expect(await present(rightCode())).toEqual(OK);
  });

  test("a thief of a session can present 20 wrong codes a day with it, and takes no sign-in of its user away", async () => {
    const answers = [];
    for (let opened = 0; opened < 5; opened++) {
      const present = await openStepUp(ada.tokens);
      for (let tried = 0; tried < 4; tried++) answers.push(await present("000000"));
    }
    expect(answers).toEqual(Array(20).fill(WRONG));
    expect(await (await openStepUp(ada.tokens))(rightCode())).toEqual(LIMITED);
    const presented = { factor_id: ada.factorId, code: rightCode() };
    const signedIn = await presentFactor(nest, await firstStep(nest, "ada@example.com"), presented);
    expect(signedIn.status).toBe(200);
    nest.clock.advance(30);
    expect(await (await openStepUp(signedIn.body))(rightCode())).toEqual(OK);
  });

  test("of 50 codes that a session presents at once, at most 20 are compared", async () => {
    const challenges = await Promise.all(Array.from({ length: 10 }, () => openStepUp(ada.tokens)));
    const answers = await atOnce(async (caller) => {
      const [, code] = (await challenges[caller % 10]?.("000000")) ?? [];
      return code;
    }, 50);
    expect(answers.filter((code) => code === "mfa_failed").length).toBeLessThanOrEqual(20);
    expect(answers.filter((code) => code === "rate_limited").length).toBeGreaterThanOrEqual(30);
  });
});
