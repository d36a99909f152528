import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { NestError } from "#core/errors.ts";
import type { Verification } from "#core/repositories/verifications.ts";
import { VerificationRepository } from "#core/repositories/verifications.ts";
import { CodeKey } from "#core/verifications/code_key.ts";
import { lifetimeOf } from "#core/verifications/lifetimes.ts";
import { type NewVerification, newVerification } from "#core/verifications/new_verification.ts";
import {
  findPresented,
  type PresentedSecret,
  redeemVerification,
} from "#core/verifications/redeem_verification.ts";
import { atOnce, moment, rounds } from "#tests/support/concurrency.ts";
import { openFreshDatabase } from "#tests/support/database.ts";

const NOW = new Date(moment(0));
const LINK = "https://app.example/verify";
const later = (seconds: number) => new Date(NOW.getTime() + seconds * 1000);
const failure = (code: "unavailable" | "invalid_email") => () => Promise.reject(new NestError(code));

let opened: Awaited<ReturnType<typeof openFreshDatabase>>;
let core: { verifications: VerificationRepository; codeKey: CodeKey };
beforeAll(async () => {
  opened = await openFreshDatabase();
  core = {
    verifications: new VerificationRepository(opened.database),
    codeKey: new CodeKey("0123456789abcdef0123456789abcdef"),
  };
});
afterAll(() => opened[Symbol.asyncDispose]());

async function stored(change: Partial<NewVerification> = {}) {
  const made = newVerification(core, {
    ...{ purpose: "verify_identifier", clientId: "client", userId: "user_1", now: NOW },
    target: { type: "email", identity: "ada@example.com", country: null },
    sends: { code: true, redirectUri: LINK },
    ...change,
  });
  await core.verifications.insert(made.verification);
  const { nonce, code, token } = made.secrets;
  return { ...made, byToken: { token: token ?? "" }, byCode: { nonce, code } };
}

const find = (presented: PresentedSecret, change = {}) =>
  findPresented(core, presented, {
    purposes: ["verify_identifier"],
    clientId: "client",
    now: NOW,
    ...change,
  });

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => "done",
    (error: NestError) => error.code,
  );

describe("findPresented", () => {
  test("finds a verification by the token of its link, and by nonce and code", async () => {
    const { verification, byToken, byCode } = await stored();
    expect(await find(byToken)).toEqual(verification);
    expect(await find(byCode)).toEqual({ ...verification, attempts: 1 });
  });

  test("finds a token any number of times and counts no attempt", async () => {
    const { byToken } = await stored();
    const found = await atOnce(() => find(byToken));
    expect(new Set(found.map(({ attempts }) => attempts))).toEqual(new Set([0]));
  });

  test.each([
    ["another purpose", { purposes: ["reset_password"] }],
    ["another client", { clientId: "another" }],
    ["a time after the lifetime", { now: later(86_400) }],
  ])("refuses the right secret for %s", async (_case, change) => {
    const { byToken, byCode } = await stored();
    expect(await codeOf(find(byToken, change))).toBe("verification_not_found");
    expect(await codeOf(find(byCode, change))).toBe("verification_not_found");
  });

  test("refuses an unknown token, a wrong code and a code that was not sent", async () => {
    const { verification, secrets, byCode } = await stored({ sends: { code: false, redirectUri: LINK } });
    expect(verification.codeHash).toBeNull();
    expect(await codeOf(find(byCode))).toBe("verification_not_found");
    expect(await codeOf(find({ token: secrets.nonce }))).toBe("verification_not_found");
    const { secrets: other } = await stored();
    const wrong = other.code === "000000" ? "000001" : "000000";
    expect(await codeOf(find({ nonce: other.nonce, code: wrong }))).toBe("verification_not_found");
  });

  test("a nonce of another purpose uses up no attempt", async () => {
    const { verification, byCode } = await stored();
    await codeOf(find(byCode, { purposes: ["sign_in"] }));
    expect((await find(byCode)).attempts).toBe(1);
    expect(verification.attempts).toBe(0);
  });
});

describe("redeemVerification", () => {
  test("starts the work once when many calls with one token race", async () => {
    await rounds(async () => {
      const { byToken } = await stored();
      let runs = 0;
      const redeemed = await atOnce(async () =>
        codeOf(redeemVerification(core, await find(byToken), NOW, async () => runs++)),
      );
      expect(runs).toBe(1);
      expect(redeemed.filter((code) => code === "done")).toHaveLength(1);
      expect(redeemed.filter((code) => code === "verification_not_found")).toHaveLength(redeemed.length - 1);
    });
  });

  test("refuses the same secret after the work is complete, also later", async () => {
    const { byToken } = await stored();
    await redeemVerification(core, await find(byToken), NOW, async () => 1);
    for (const now of [NOW, later(60)])
      expect(await codeOf(redeemVerification(core, await find(byToken), now, async () => 1))).toBe(
        "verification_not_found",
      );
  });

  test("starts the work again at once after it failed on our side, by one of many calls", async () => {
    const { byToken } = await stored();
    expect(await codeOf(redeemVerification(core, await find(byToken), NOW, failure("unavailable")))).toBe(
      "unavailable",
    );
    const retried = await atOnce(async () =>
      codeOf(redeemVerification(core, await find(byToken), later(1), async () => 1)),
    );
    expect(retried.filter((code) => code === "done")).toHaveLength(1);
  });

  test("starts the work again 5 s after a call that never ended, and not before", async () => {
    const { verification, byToken } = await stored();
    await core.verifications.redeem(verification._id, { startedAt: NOW.toISOString() });
    const again = async (now: Date) =>
      codeOf(redeemVerification(core, await find(byToken), now, async () => 1));
    expect(await again(later(4))).toBe("verification_not_found");
    expect(await again(later(6))).toBe("done");
  });

  test("does not start the work again after a refusal", async () => {
    const { byToken } = await stored();
    await codeOf(redeemVerification(core, await find(byToken), NOW, failure("invalid_email")));
    expect(await codeOf(redeemVerification(core, await find(byToken), later(1), async () => 1))).toBe(
      "verification_not_found",
    );
  });
});

describe("a new verification", () => {
  const isOpen = async ({ tokenHash = "" }: Verification) =>
    (await core.verifications.findByToken(tokenHash, NOW.toISOString())) !== null;

  test("replaces the earlier ones of its user, and leaves those of other users alone", async () => {
    const [first, other, second] = [await stored(), await stored({ userId: "user_2" }), await stored()];
    await core.verifications.revokeEarlier(second.verification, NOW.toISOString());
    expect(await isOpen(first.verification)).toBe(false);
    expect(await isOpen(other.verification)).toBe(true);
    expect(await isOpen(second.verification)).toBe(true);
  });

  test("stores no secret", async () => {
    const { verification, secrets } = await stored();
    const text = JSON.stringify(verification);
    for (const secret of Object.values(secrets)) expect(text).not.toContain(String(secret));
  });

  test.each([
    ["sign_in", false, 600],
    ["verify_identifier", false, 600],
    ["verify_identifier", true, 86_400],
    ["register", true, 86_400],
    ["reset_password", false, 600],
    ["reset_password", true, 1_800],
    ["invite", true, 604_800],
  ] as const)("for %s with a link %s works for %i s", (purpose, hasLink, seconds) => {
    expect(lifetimeOf(purpose, hasLink)).toBe(seconds);
  });
});
