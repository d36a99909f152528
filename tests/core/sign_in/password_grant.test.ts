import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FAILED_PASSWORDS_LIMIT } from "#core/repositories/refused_because.ts";
import { hashSecret, newSecret } from "#core/secrets.ts";
import { BUSY_MACHINE, MAC, SIMPLE, startNest, type TestNest, V1, V2 } from "#tests/support/nest.ts";
import { givePassword, P1, P2, signInWith } from "#tests/support/passwords.ts";
import { V3 } from "#tests/support/plans.ts";

let nest: TestNest;
beforeEach(async () => {
  nest = await startNest();
});
afterEach(() => nest.stop());

const ADA = "ada@example.com";
const UNLIMITED = {
  LIMIT_PASSWORD_FAILURES_PER_IDENTIFIER_AND_NETWORK: "0",
  LIMIT_PASSWORD_FAILURES_PER_NETWORK: "0",
};
const answerOf = ({ status, body }: { status: number; body: { code?: string } }) =>
  status === 200 ? "200" : body.code;
const restart = async (environment: Record<string, string>) => {
  await nest.stop();
  nest = await startNest({ environment, slowdown: BUSY_MACHINE });
};

describe("the grant password", () => {
  test("signs in with an address or a number as it is typed, with amr pwd", async () => {
    const userId = await givePassword(nest, ADA);
    await givePassword(nest, "+6591234567", P2);
    const reply = await signInWith(nest, " Ada@Example.com ");
    expect(reply.status).toBe(200);
    expect(reply.body).toMatchObject({
      ...{ user_id: userId, client_id: "client_sample_native", amr: ["pwd"] },
      ...{ expires_in: 3600, password_change_required: false },
    });
    expect(reply.body).not.toHaveProperty("user_created");
    const own = await nest.call(`${V3}get_user`, {}, { bearer: reply.body.access_token });
    expect(own.body.id).toBe(userId);
    expect((await signInWith(nest, "65 9123 4567", P2)).status).toBe(200);
    const refreshed = await nest.refresh(reply.body.refresh_token, { client_id: reply.body.client_id });
    expect(refreshed.status).toBe(200);
  });

  test("starts a session of its own each time, and records each", async () => {
    const userId = await givePassword(nest, ADA);
    const [one, other] = [await signInWith(nest, ADA), await signInWith(nest, ADA)];
    expect(one.body.session_id).not.toBe(other.body.session_id);
    const found = nest.collection("audit_logs").find({ userId, action: "user.signed_in" });
    const rows = await found.sort({ occurredAt: 1 }).toArray();
    expect(rows.map((row) => [row.sessionId, (row.data as { grant: string }).grant])).toEqual([
      [one.body.session_id, "password"],
      [other.body.session_id, "password"],
    ]);
  });

  test("answers a wrong password, an unknown address, a user without a password and a locked one alike", async () => {
    await givePassword(nest, ADA);
    await givePassword(nest, "locked@example.com");
    await nest
      .collection("passwords")
      .updateOne({ userId: await nest.findUserId("locked@example.com") }, { $set: { failedCount: 100 } });
    await nest.signIn("grace@example.com");
    const replies = [
      await signInWith(nest, ADA, P2),
      await signInWith(nest, "nobody@example.com"),
      await signInWith(nest, "grace@example.com"),
      await signInWith(nest, "locked@example.com"),
      await signInWith(nest, ADA, "x".repeat(1000)),
    ];
    for (const reply of replies)
      expect([reply.status, reply.raw]).toEqual([401, '{"code":"invalid_credentials"}']);
    const rows = await nest.gateway.core.auditLogs.list({ action: "user.sign_in_failed" }, 10);
    expect(rows).toHaveLength(replies.length);
    for (const row of rows)
      expect(row).toMatchObject({ outcome: "failure", errorCode: "invalid_credentials" });
    expect(rows.map(({ data }) => [data.grant, data.cause])).toEqual(
      ["wrong", "locked", "none", "none", "wrong"].map((cause) => ["password", cause]),
    );
    expect(JSON.stringify(rows)).not.toMatch(/correct horse|example\.com/);
    expect(nest.logLines.join()).not.toMatch(/correct horse|example\.com/);
  });

  test("says that a password which somebody else set must be changed", async () => {
    await givePassword(nest, ADA, P1, { mustChange: true });
    expect((await signInWith(nest, ADA)).body.password_change_required).toBe(true);
  });

  test.each([
    ["a lone surrogate", "lone \ud800 surrogate", "validation_failed"],
    ["a NUL", "with \u0000 inside it", "validation_failed"],
    ["nothing", "", "validation_failed"],
    ["10 MB", "x".repeat(10_000_000), "body_too_large"],
  ])("refuses %s before it is counted", async (_what, password, code) => {
    expect(answerOf(await signInWith(nest, ADA, password))).toBe(code);
    expect(await nest.collection("limit-windows").countDocuments()).toBe(0);
  });

  test.each(["identifier_type", "identifier_value", "password"])(
    "names the missing field %s",
    async (name) => {
      const { body } = await signInWith(nest, ADA, P1, { [name]: undefined });
      const meta = { path: [], message: `requires property "${name}"`, name: "required" };
      expect(body).toEqual({
        code: "validation_failed",
        meta,
        reasons: [{ code: "validation_failed", meta }],
      });
    },
  );

  test("refuses an identifier that nobody can have", async () => {
    for (const identifier_value of ["foo", "ada@.example"])
      expect(answerOf(await signInWith(nest, ADA, P1, { identifier_value }))).toBe("invalid_identifier");
    expect(answerOf(await signInWith(nest, "+65123"))).toBe("invalid_identifier");
  });

  test("is for clients that list it, and does not exist at earlier dates", async () => {
    await givePassword(nest, ADA);
    expect(answerOf(await signInWith(nest, ADA, P1, { client_id: MAC }))).toBe("grant_not_allowed");
    expect(answerOf(await signInWith(nest, ADA, P1, { client_id: SIMPLE }))).toBe("200");
    for (const date of [V1, V2]) {
      const body = { client_id: SIMPLE, grant_type: "password", password: P1 };
      expect(answerOf(await nest.call(`${date}authenticate_user`, body))).toBe("validation_failed");
    }
  });
});

describe("a hash of an earlier pepper", () => {
  test("is replaced at the next sign-in, and signs in again afterwards", async () => {
    await givePassword(nest, ADA);
    const [old] = JSON.parse(nest.environment.PASSWORD_PEPPERS ?? "[]");
    const next = { id: "next", key: newSecret() };
    const rotated = await startNest({
      beside: nest,
      environment: { PASSWORD_PEPPERS: JSON.stringify([next, old]) },
    });
    const stored = () => nest.collection("passwords").findOne({});
    const before = await stored();
    expect((await signInWith(rotated, ADA)).status).toBe(200);
    const after = await stored();
    expect([before?.pepperId, after?.pepperId]).toEqual(["local", "next"]);
    expect(after?.updatedAt).toBe(before?.updatedAt);
    expect((await signInWith(rotated, ADA)).status).toBe(200);
    expect(answerOf(await signInWith(rotated, ADA, P2))).toBe("invalid_credentials");
    await rotated.stop();
  });

  test("answers unavailable while PASSWORD_PEPPERS lacks its pepper", async () => {
    await givePassword(nest, ADA);
    const peppers = JSON.stringify([{ id: "other", key: newSecret() }]);
    const without = await startNest({ beside: nest, environment: { PASSWORD_PEPPERS: peppers } });
    expect(answerOf(await signInWith(without, ADA))).toBe("unavailable");
    await without.stop();
  });
});

describe("limits of passwords", () => {
  test("allow 10 failures for an identifier and network, then one after 30 s, 60 s and so on up to an hour", async () => {
    await givePassword(nest, ADA);
    for (let count = 0; count < 10; count++)
      expect(answerOf(await signInWith(nest, ADA, P2))).toBe("invalid_credentials");
    const windows = nest.collection("limit-windows");
    for (const wait of [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]) {
      const refused = await signInWith(nest, ADA, P1);
      expect(answerOf(refused)).toBe("rate_limited");
      expect(refused.body.meta.retry_after).toBe(Number(refused.headers["retry-after"]));
      expect(refused.body.meta.retry_after).toBeGreaterThan(wait - 10);
      expect(refused.body.meta.retry_after).toBeLessThanOrEqual(wait);
      // The limiter has the time of the database's windows, so the pause ends by hand.
      await windows.updateMany({}, [
        {
          $set: {
            windows: {
              $map: {
                input: "$windows",
                as: "window",
                in: {
                  $mergeObjects: [
                    "$$window",
                    {
                      $cond: [{ $ifNull: ["$$window.pausedUntil", false] }, { pausedUntil: new Date(0) }, {}],
                    },
                  ],
                },
              },
            },
          },
        },
      ]);
      expect(answerOf(await signInWith(nest, ADA, P2))).toBe("invalid_credentials");
    }
  });

  test("count for unknown addresses too", async () => {
    for (let count = 0; count < 10; count++)
      expect(answerOf(await signInWith(nest, "nobody@example.com"))).toBe("invalid_credentials");
    expect(answerOf(await signInWith(nest, "nobody@example.com"))).toBe("rate_limited");
  });

  test("of 40 wrong passwords at once, at most 10 are compared", async () => {
    await restart({});
    await givePassword(nest, ADA);
    const replies = await Promise.all(Array.from({ length: 40 }, () => signInWith(nest, ADA, P2)));
    const answers = replies.map(answerOf);
    expect(answers.filter((answer) => answer === "invalid_credentials")).toHaveLength(10);
    expect(answers.filter((answer) => answer === "rate_limited")).toHaveLength(30);
    expect(await nest.collection("passwords").findOne({})).toMatchObject({ failedCount: 10 });
  }, 30_000);

  test("start again with a right password", async () => {
    await givePassword(nest, ADA);
    for (let round = 0; round < 2; round++) {
      for (let count = 0; count < 9; count++) await signInWith(nest, ADA, P2);
      expect(answerOf(await signInWith(nest, ADA))).toBe("200");
      expect(await nest.collection("passwords").findOne({})).toMatchObject({ failedCount: 0 });
    }
  });

  test("allow 100 failures an hour for a network, whatever the address, and do not count right passwords", async () => {
    await restart({ LIMIT_PASSWORD_FAILURES_PER_NETWORK: "3" });
    await givePassword(nest, ADA);
    for (let count = 0; count < 4; count++) expect(answerOf(await signInWith(nest, ADA))).toBe("200");
    for (let count = 0; count < 3; count++)
      expect(answerOf(await signInWith(nest, `nobody${count}@example.com`))).toBe("invalid_credentials");
    expect(answerOf(await signInWith(nest, ADA))).toBe("rate_limited");
    expect(answerOf(await signInWith(nest, ADA, P1, {}, { ip: "198.51.100.1" }))).toBe("200");
  });

  test("spare a device that has signed in with the address, which has 10 failures of its own", async () => {
    await givePassword(nest, ADA);
    const device = { beak_id: "ada's machine" };
    expect(answerOf(await signInWith(nest, ADA, P1, { device }))).toBe("200");
    const identifier = await nest.collection("identifiers").findOne({});
    expect(identifier?.knownDevices).toEqual([hashSecret("ada's machine")]);
    for (let count = 0; count < 10; count++) await signInWith(nest, ADA, P2);
    expect(answerOf(await signInWith(nest, ADA, P1, { device: { beak_id: "another" } }))).toBe(
      "rate_limited",
    );
    for (let count = 0; count < 9; count++)
      expect(answerOf(await signInWith(nest, ADA, P2, { device }))).toBe("invalid_credentials");
    expect(answerOf(await signInWith(nest, ADA, P1, { device }))).toBe("200");
  });

  test("make a password unusable after 100 failures in a row from any networks, while links still sign in", async () => {
    await restart(UNLIMITED);
    await givePassword(nest, ADA);
    const replies = await Promise.all(
      Array.from({ length: FAILED_PASSWORDS_LIMIT + 10 }, () => signInWith(nest, ADA, P2)),
    );
    expect(new Set(replies.map(answerOf))).toEqual(new Set(["invalid_credentials"]));
    expect(await nest.collection("passwords").findOne({})).toMatchObject({
      failedCount: FAILED_PASSWORDS_LIMIT,
    });
    expect(answerOf(await signInWith(nest, ADA, P1))).toBe("invalid_credentials");
    const locked = nest.logLines
      .map((line) => JSON.parse(line))
      .filter(({ event }) => event === "password_locked");
    expect(locked).toEqual([expect.objectContaining({ security_event: true })]);
    expect((await nest.signIn(ADA)).access_token).toBeTruthy();
  }, 60_000);

  test("fail closed: if the limits can't be counted, no password is compared", async () => {
    await givePassword(nest, ADA);
    const { limitWindows } = nest.gateway.core;
    const count = limitWindows.count.bind(limitWindows);
    limitWindows.count = async () => {
      throw Object.assign(new Error("lost"), { name: "MongoNetworkError" });
    };
    const reply = await signInWith(nest, ADA);
    expect([reply.status, reply.body.code]).toEqual([503, "unavailable"]);
    limitWindows.count = count;
    expect(await nest.collection("passwords").findOne({})).toMatchObject({ failedCount: 0 });
  });
});

test("a sign-in whose password is replaced meanwhile keeps no session", async () => {
  await nest.stop();
  let change: (() => Promise<unknown>) | null = null;
  nest = await startNest({
    guard: (open) => {
      const { passwords } = open.core;
      const slow = Object.assign(Object.create(passwords), {
        findByUser: passwords.findByUser.bind(passwords),
        insert: passwords.insert.bind(passwords),
        acceptPresented: passwords.acceptPresented.bind(passwords),
        async countPresented(userId: string) {
          const found = await passwords.countPresented(userId);
          await change?.();
          return found;
        },
      });
      return { ...open, core: { ...open.core, passwords: slow } };
    },
  });
  await givePassword(nest, ADA);
  change = () =>
    nest.collection("passwords").updateOne({}, { $set: { updatedAt: "2030-01-01T00:00:00.000Z" } });
  expect(answerOf(await signInWith(nest, ADA))).toBe("invalid_credentials");
  const sessions = await nest.collection("sessions").find().toArray();
  expect(sessions.map(({ revokedReason }) => revokedReason)).toEqual(["password_set"]);
});
