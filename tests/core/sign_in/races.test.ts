import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BUSY_MACHINE, type Reply, startNest, type TestNest, V2 } from "#tests/support/nest.ts";
import { suiteOptions } from "#tests/support/suite_options.ts";

const ROUNDS = suiteOptions.isWhole ? 100 : 25;
const CALLERS = 50;
const atOnce = <Result>(count: number, work: (index: number) => Promise<Result>) =>
  Promise.all(Array.from({ length: count }, (_, index) => work(index)));
const tally = (replies: Reply[]) =>
  replies.reduce<Record<string, number>>((counts, { status, body }) => {
    const name = status < 300 ? String(status) : body.code;
    counts[name] = (counts[name] ?? 0) + 1;
    return counts;
  }, {});

describe("races", () => {
  let nest: TestNest;
  beforeAll(async () => {
    nest = await startNest({
      slowdown: BUSY_MACHINE,
      environment: { LIMIT_LINKS_PER_KNOWN_DEVICE: "0", LIMIT_MAILS_PER_HOUR: "0" },
    });
  });
  afterAll(() => nest.stop());

  test(`redeems a code once when ${CALLERS} requests race, in ${ROUNDS} rounds`, async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const code = await nest.emailedCode({ identifier_value: `redeem-${round}@example.com` });
      const replies = await atOnce(CALLERS, () => nest.redeem(code));
      expect(tally(replies)).toEqual({ 200: 1, token_used: CALLERS - 1 });
    }
    expect(await nest.collection("sessions").countDocuments()).toBe(ROUNDS);
    expect(await nest.collection("users").countDocuments()).toBe(ROUNDS);
  }, 180_000);

  test(`returns one successor when ${CALLERS} refreshes with one token race, in ${ROUNDS} rounds`, async () => {
    const { user_id, ...tokens } = await nest.signIn("refresh@example.com");
    let current = tokens.refresh_token;
    for (let round = 0; round < ROUNDS; round++) {
      const replies = await atOnce(CALLERS, () => nest.refresh(current));
      expect(tally(replies)).toEqual({ 200: CALLERS });
      const successors = new Set(replies.map(({ body }) => body.refresh_token));
      expect(successors.size).toBe(1);
      if (round % 20 === 0) {
        const users = await Promise.all(
          replies.map(({ body }) => nest.call(`${V2}get_user`, { user_id }, { bearer: body.access_token })),
        );
        expect(tally(users)).toEqual({ 200: CALLERS });
      }
      [current = ""] = successors;
    }
    expect(await nest.collection("refresh-tokens").countDocuments({ userId: user_id })).toBe(ROUNDS + 1);
  }, 180_000);

  test("a sign-out that races 20 refreshes always revokes the session", async () => {
    for (let round = 0; round < 20; round++) {
      const tokens = await nest.signIn(`race-${round}@example.com`);
      const [refreshes] = await Promise.all([
        atOnce(20, () => nest.refresh(tokens.refresh_token)),
        nest.call(`${V2}revoke_token`, { client_id: tokens.client_id, refresh_token: tokens.refresh_token }),
      ]);
      const got = refreshes.filter(({ status }) => status === 200).map(({ body }) => body);
      for (const { refresh_token, access_token } of [tokens, ...got.slice(0, 3)]) {
        expect((await nest.refresh(refresh_token)).body.code).toBe("authorization_not_found");
        const bearer = { bearer: access_token };
        expect((await nest.call(`${V2}get_user`, { user_id: tokens.user_id }, bearer)).status).toBe(401);
      }
    }
  });

  test("creates one user and one identifier when first sign-ins of an address race", async () => {
    for (let round = 0; round < 10; round++) {
      const identifier_value = `first-${round}@example.com`;
      const codes: string[] = [];
      for (let link = 0; link < 5; link++) codes.push(await nest.emailedCode({ identifier_value }));
      const replies = await atOnce(5, (index) => nest.redeem(codes[index] ?? ""));
      const users = new Set(replies.filter(({ status }) => status === 200).map(({ body }) => body.user_id));
      expect(users.size).toBe(1);
      expect(await nest.collection("identifiers").countDocuments({ identifierValue: identifier_value })).toBe(
        1,
      );
      const [userId] = users;
      expect(await nest.collection("users").countDocuments({ _id: userId as string })).toBe(1);
    }
    const known = (await nest.collection("identifiers").distinct("userId")).sort();
    expect((await nest.collection("users").distinct("_id")).sort()).toEqual(known);
  });

  test("revokes the session and logs the reuse once when 50 reuses of a refresh token race", async () => {
    const tokens = await nest.signIn("stolen@example.com");
    const { body: next } = await nest.refresh(tokens.refresh_token);
    await nest.call(`${V2}get_user`, { user_id: next.user_id }, { bearer: next.access_token });
    nest.clock.advance(11);
    const codes = tally(await atOnce(CALLERS, () => nest.refresh(tokens.refresh_token)));
    expect(
      Object.keys(codes).filter((code) => !["token_used", "authorization_not_found"].includes(code)),
    ).toEqual([]);
    expect(codes.token_used).toBeGreaterThan(0);
    const events = nest.logged("refresh_token_reuse").filter(({ user_id }) => user_id === tokens.user_id);
    expect(events).toHaveLength(1);
  });

  test("50 simultaneous wrong verifiers block the code", async () => {
    const code = await nest.emailedCode({ identifier_value: "burnt@example.com" });
    await atOnce(CALLERS, () => nest.redeem(code, { code_verifier: "wrong" }));
    expect((await nest.redeem(code)).body.code).toBe("authorization_not_found");
  });
});
