import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Call } from "#core/call.ts";
import { NestError } from "#core/errors.ts";
import { createLog, type Log } from "#core/log.ts";
import type { ConfiguredLimits } from "#core/rate_limits/limits.ts";
import { RateLimiter } from "#core/rate_limits/rate_limiter.ts";
import { LimitWindowsRepository } from "#core/repositories/limit_windows.ts";
import type { Verification } from "#core/repositories/verifications.ts";
import { VerificationRepository } from "#core/repositories/verifications.ts";
import { CodeKey } from "#core/verifications/code_key.ts";
import { lifetimeOf } from "#core/verifications/lifetimes.ts";
import { type NewVerification, newVerification } from "#core/verifications/new_verification.ts";
import {
  type AcceptedFor,
  checkToken,
  findPresented,
  type PresentedSecret,
  redeemVerification,
} from "#core/verifications/redeem_verification.ts";
import { atOnce, moment, rounds } from "#tests/support/concurrency.ts";
import { openFreshDatabase } from "#tests/support/database.ts";

const KEY = "0123456789abcdef0123456789abcdef";
const CALL: Call = { requestId: "r", ip: "203.0.113.9", userAgent: null };
const NOW = new Date(moment(0));
const AT_NOW = { now: NOW, call: CALL };
const LINK = "https://app.example/verify";
const later = (seconds: number) => new Date(NOW.getTime() + seconds * 1000);
const failure = (code: "unavailable" | "invalid_email") => () => Promise.reject(new NestError(code));

let opened: Awaited<ReturnType<typeof openFreshDatabase>>;
let core: { verifications: VerificationRepository; codeKey: CodeKey; rateLimiter: RateLimiter; log: Log };
beforeAll(async () => {
  opened = await openFreshDatabase();
  // Without its unique key, concurrent first calls of a subject would count in documents of their own.
  const windows = opened.database.collection(LimitWindowsRepository.collectionName);
  await windows.createIndexes(LimitWindowsRepository.indexes);
  core = {
    log: createLog(
      () => undefined,
      () => NOW,
    ),
    verifications: new VerificationRepository(opened.database),
    codeKey: new CodeKey(KEY),
    rateLimiter: limiterWith({
      verification_failures_per_network: 0,
      code_failures_per_identifier_and_network: 0,
    }),
  };
});
/** @param configured 0 disables a limit */
const limiterWith = (configured: ConfiguredLimits) =>
  new RateLimiter(new LimitWindowsRepository(opened.database), KEY, {
    ...{
      configured,
      log: createLog(
        () => undefined,
        () => NOW,
      ),
      random: () => 0,
    },
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

const FOR: AcceptedFor = { purposes: ["verify_identifier"], clientId: "client", now: NOW };
const find = (presented: PresentedSecret, change = {}, using = core) =>
  findPresented(using, presented, { ...FOR, ...change }, CALL);

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

describe("the limits of wrong secrets", () => {
  const wrong = { token: "0".repeat(64) };

  test("allow 30 an hour from a network, and never refuse a right token", async () => {
    const limited = { ...core, rateLimiter: limiterWith({}) };
    const { byToken } = await stored();
    const codes = [];
    for (let count = 0; count < 31; count++) codes.push(await codeOf(find(wrong, {}, limited)));
    expect(codes.filter((code) => code === "verification_not_found")).toHaveLength(30);
    expect(codes.at(-1)).toBe("rate_limited");
    expect(await codeOf(checkToken(limited, wrong.token, FOR, CALL))).toBe("rate_limited");
    expect((await find(byToken, {}, limited)).attempts).toBe(0);
  });

  test("count a wrong code for its identifier before it is compared, and release a right code", async () => {
    const limited = {
      ...core,
      rateLimiter: limiterWith({ verification_failures_per_network: 0, code_failures_per_identifier: 2 }),
    };
    const target = { type: "email", identity: "limited@example.com", country: null } as const;
    const present = async (isRight: boolean) => {
      const { byCode } = await stored({ target });
      const code = isRight ? byCode.code : byCode.code === "000000" ? "000001" : "000000";
      return codeOf(find({ ...byCode, code }, {}, limited));
    };
    expect([await present(true), await present(true), await present(false), await present(true)]).toEqual([
      ...["done", "done", "verification_not_found", "done"],
    ]);
    expect(await present(false)).toBe("verification_not_found");
    expect(await present(true)).toBe("rate_limited");
  });

  test("compare 30 of 50 wrong codes that a network presents at once, and no right code after them", async () => {
    const limiter = limiterWith({
      ...{ code_failures_per_identifier: 0, code_failures_per_identifier_and_network: 0 },
    });
    const sent = await Promise.all(Array.from({ length: 10 }, () => stored()));
    const call = { ...CALL, ip: "203.0.113.77" };
    const present = (presented: PresentedSecret) =>
      codeOf(findPresented({ ...core, rateLimiter: limiter }, presented, FOR, call));
    const codes = await atOnce((caller) => {
      const { byCode } = sent[caller % sent.length] as (typeof sent)[number];
      return present({ ...byCode, code: byCode.code === "000000" ? "000001" : "000000" });
    }, 50);
    expect(codes.filter((code) => code === "verification_not_found")).toHaveLength(30);
    expect(codes.filter((code) => code === "rate_limited")).toHaveLength(20);
    const { byCode, byToken } = await stored();
    expect(await present(byCode)).toBe("rate_limited");
    expect(await present(byToken)).toBe("done");
  });

  test("do not count right codes for their network", async () => {
    const rateLimiter = limiterWith({ verification_failures_per_network: 1 });
    const call = { ...CALL, ip: "203.0.113.78" };
    for (let count = 0; count < 3; count++) {
      const { byCode } = await stored({
        target: { type: "email", identity: `r${count}@example.com`, country: null },
      });
      expect(await codeOf(findPresented({ ...core, rateLimiter }, byCode, FOR, call))).toBe("done");
    }
  });
});

describe("checkToken", () => {
  const check = (token: string, change = {}) => checkToken(core, token, { ...FOR, ...change }, CALL);

  test("finds a token of any purpose any number of times, and does not use it up", async () => {
    for (const purpose of ["verify_identifier", "reset_password", "invite"] as const) {
      const { byToken, verification } = await stored({ purpose });
      expect(await check(byToken.token)).toEqual(verification);
      expect(await check(byToken.token)).toEqual(verification);
    }
  });

  test("refuses the token of another client, and a token that is used", async () => {
    const { byToken } = await stored();
    expect(await codeOf(check(byToken.token, { clientId: "another" }))).toBe("verification_not_found");
    await redeemVerification(core, await find(byToken), AT_NOW, async () => 1);
    expect(await codeOf(check(byToken.token))).toBe("verification_not_found");
  });

  test("refuses a token while it is being used, and finds it after its use failed on our side", async () => {
    const { byToken } = await stored();
    await redeemVerification(core, await find(byToken), AT_NOW, async () => {
      expect(await codeOf(check(byToken.token))).toBe("verification_not_found");
      throw new NestError("unavailable");
    }).catch(() => undefined);
    expect(await codeOf(check(byToken.token))).toBe("done");
  });
});

describe("redeemVerification", () => {
  test("starts the work once when many calls with one token race", async () => {
    await rounds(async () => {
      const { byToken } = await stored();
      let runs = 0;
      const redeemed = await atOnce(async () =>
        codeOf(redeemVerification(core, await find(byToken), AT_NOW, async () => runs++)),
      );
      expect(runs).toBe(1);
      expect(redeemed.filter((code) => code === "done")).toHaveLength(1);
      expect(redeemed.filter((code) => code === "verification_not_found")).toHaveLength(redeemed.length - 1);
    });
  });

  test("refuses the same secret after the work is complete, also later", async () => {
    const { byToken } = await stored();
    await redeemVerification(core, await find(byToken), AT_NOW, async () => 1);
    for (const now of [NOW, later(60)])
      expect(
        await codeOf(redeemVerification(core, await find(byToken), { now, call: CALL }, async () => 1)),
      ).toBe("verification_not_found");
  });

  test("starts the work again at once after it failed on our side, by one of many calls", async () => {
    const { byToken } = await stored();
    expect(await codeOf(redeemVerification(core, await find(byToken), AT_NOW, failure("unavailable")))).toBe(
      "unavailable",
    );
    const retried = await atOnce(async () =>
      codeOf(redeemVerification(core, await find(byToken), { now: later(1), call: CALL }, async () => 1)),
    );
    expect(retried.filter((code) => code === "done")).toHaveLength(1);
  });

  test("starts the work again 5 s after a call that never ended, and not before", async () => {
    const { verification, byToken } = await stored();
    await core.verifications.redeem(verification._id, { startedAt: NOW.toISOString() });
    const again = async (now: Date) =>
      codeOf(redeemVerification(core, await find(byToken), { now, call: CALL }, async () => 1));
    expect(await again(later(4))).toBe("verification_not_found");
    expect(await again(later(6))).toBe("done");
  });

  test("is complete once the call has succeeded: until then, the same secret starts the work again after 5 s", async () => {
    const { byToken } = await stored();
    const after: (() => Promise<void>)[] = [];
    const call = { onSuccess: (work: () => Promise<void>) => void after.push(work) };
    const redeem = async (now: Date) =>
      codeOf(redeemVerification(core, await find(byToken), { now, call }, async () => 1));
    expect([await redeem(NOW), await redeem(later(6))]).toEqual(["done", "done"]);
    await after[1]?.();
    expect(await redeem(later(12))).toBe("verification_not_found");
  });

  test("does not start the work again after a refusal", async () => {
    const { byToken } = await stored();
    await codeOf(redeemVerification(core, await find(byToken), AT_NOW, failure("invalid_email")));
    expect(
      await codeOf(
        redeemVerification(core, await find(byToken), { now: later(1), call: CALL }, async () => 1),
      ),
    ).toBe("verification_not_found");
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
