import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MAC, startNest, type TestNest, V2, VERIFIER, WEB, WINDOWS } from "#tests/support/nest.ts";

/** One error: in the stored documents or in the request. */
interface Wrong {
  code: string;
  stored?: Record<string, unknown>;
  session?: Record<string, unknown>;
  sent?: Record<string, unknown>;
  hasWrongSecret?: boolean;
}

const past = "2020-01-01T00:00:00.000Z";
const wrongSecret = (token: string) => token.replace(/[^.]+$/, "0".repeat(64));

/** Every entry alone and every pair of entries; the first of a pair is checked first. */
const pairs = (list: readonly Wrong[]) =>
  list.flatMap((first, index) => list.slice(index).map((second) => ({ first, second })));

describe("of two errors, the first in the contract's order is returned (B3, 1.2)", () => {
  let nest: TestNest;
  beforeAll(async () => {
    nest = await startNest();
  });
  afterAll(() => nest.stop());

  /** Merges the changes of both; `first` wins where both change the same field. */
  const both = (part: "stored" | "session" | "sent", first: Wrong, second: Wrong) => ({
    ...second[part],
    ...first[part],
  });

  const CODE: Wrong[] = [
    { code: "token_not_found", hasWrongSecret: true },
    { code: "token_used", stored: { usedAt: past } },
    { code: "authorization_not_found", stored: { revokedAt: past } },
    { code: "token_expired", stored: { expiresAt: past } },
    { code: "incorrect_client", sent: { client_id: WINDOWS } },
    { code: "incorrect_redirect_uri", sent: { redirect_uri: "https://magic.getbeak.app/callback" } },
    { code: "incorrect_code_verifier", sent: { code_verifier: `${VERIFIER}x` } },
    { code: "client_not_found", stored: { clientId: WEB }, sent: { client_id: WEB } },
  ];

  test.each(pairs(CODE))("a code: returns $first.code, also with $second.code", async ({ first, second }) => {
    const code = await nest.emailedCode();
    const [id = ""] = code.split(".");
    const stored = both("stored", first, second);
    if (Object.keys(stored).length > 0)
      await nest.collection("authorizations").updateOne({ _id: id }, { $set: stored });
    const presented = first.hasWrongSecret ? wrongSecret(code) : code;
    const reply = await nest.redeem(presented, both("sent", first, second));
    expect(reply.body).toEqual({ code: first.code });
  });

  const REFRESH: Wrong[] = [
    { code: "token_not_found", hasWrongSecret: true },
    { code: "incorrect_client", sent: { client_id: WINDOWS } },
    { code: "client_not_found", stored: { clientId: WEB }, sent: { client_id: WEB } },
    { code: "authorization_not_found", session: { revokedAt: past } },
    { code: "token_expired", stored: { expiresAt: past } },
    { code: "token_used" },
  ];

  test.each(pairs(REFRESH))(
    "a refresh token: returns $first.code, also with $second.code",
    async ({ first, second }) => {
      const tokens = await nest.signIn(`${first.code}-${second.code}@example.com`);
      const [, id = ""] = tokens.refresh_token.split(".");
      if (second.code === "token_used") {
        const { body: next } = await nest.refresh(tokens.refresh_token);
        await nest.call(`${V2}get_user`, { user_id: next.user_id }, { bearer: next.access_token });
        nest.clock.advance(11);
      }
      const stored = both("stored", first, second);
      if (Object.keys(stored).length > 0)
        await nest.collection("refresh-tokens").updateOne({ _id: id }, { $set: stored });
      const session = both("session", first, second);
      if (Object.keys(session).length > 0)
        await nest.collection("sessions").updateOne({ userId: tokens.user_id }, { $set: session });
      const presented = first.hasWrongSecret ? wrongSecret(tokens.refresh_token) : tokens.refresh_token;
      const reply = await nest.refresh(presented, both("sent", first, second));
      expect(reply.body).toEqual({ code: first.code });
    },
  );

  test("a revoked refresh token is authorization_not_found", async () => {
    const { refresh_token } = await nest.signIn();
    const [, id = ""] = refresh_token.split(".");
    await nest.collection("refresh-tokens").updateOne({ _id: id }, { $set: { revokedAt: past } });
    expect((await nest.refresh(refresh_token)).body.code).toBe("authorization_not_found");
    const stored = await nest.collection("refresh-tokens").findOne({ _id: id });
    expect({ usedAt: stored?.usedAt, rotation: stored?.rotation }).toEqual({ usedAt: null, rotation: null });
  });

  test("a used refresh token that was revoked is authorization_not_found, even if its successor is unacknowledged", async () => {
    const { refresh_token } = await nest.signIn("used-and-revoked@example.com");
    await nest.refresh(refresh_token);
    const [, id = ""] = refresh_token.split(".");
    await nest.collection("refresh-tokens").updateOne({ _id: id }, { $set: { revokedAt: past } });
    expect((await nest.refresh(refresh_token)).body).toEqual({ code: "authorization_not_found" });
  });

  test("a used refresh token is authorization_not_found once its successor was revoked", async () => {
    const tokens = await nest.signIn("successor@example.com");
    const { body: lost } = await nest.refresh(tokens.refresh_token);
    const [, id = ""] = lost.refresh_token.split(".");
    await nest.collection("refresh-tokens").updateOne({ _id: id }, { $set: { revokedAt: past } });
    for (const token of [tokens.refresh_token, lost.refresh_token])
      expect((await nest.refresh(token)).body).toEqual({ code: "authorization_not_found" });
  });

  test("missing and malformed parameters are reported before anything is read", async () => {
    const refused = async (change: Record<string, unknown>) =>
      (await nest.redeem("authzcode_nobody.00", { client_id: MAC, ...change })).body.code;
    const none = { code: undefined, code_verifier: undefined, redirect_uri: undefined };
    expect(await refused(none)).toBe("code_missing");
    expect(await refused({ ...none, code: "a" })).toBe("code_verifier_missing");
    expect(await refused({ ...none, code: "a", code_verifier: "v" })).toBe("redirect_uri_missing");
    expect(await refused({ code: ".a" })).toBe("malformed_code");
    expect(await refused({ code: "a." })).toBe("malformed_code");
    for (const token of ["a", "..", "01.a.", "01..b", ".a.b", "01.a.b.c"])
      expect((await nest.refresh(token)).body.code, token).toBe("malformed_refresh_token");
    expect((await nest.refresh("any text.reftok_nobody.00")).body.code).toBe("not_found");
  });
});
