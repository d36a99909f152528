import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { linkRequest, MAC, pkcePair, startNest, type TestNest, V1, V2 } from "#tests/support/nest.ts";

describe("what is stored and logged of a person's whole life", () => {
  let nest: TestNest;
  const secrets: string[] = [];
  const ADDRESS = "very.private@example.com";

  beforeAll(async () => {
    nest = await startNest({ environment: { LIMIT_LINKS_PER_ADDRESS: "20", LIMIT_LINKS_PER_NETWORK: "30" } });
    const { verifier, challenge } = pkcePair();
    const link = { identifier_value: ADDRESS, code_challenge: challenge };
    const unused = await nest.emailedCode(link);
    const code = await nest.emailedCode(link);
    await nest.redeem(code, { code_verifier: "wrong-verifier" });
    const { body: tokens } = await nest.redeem(code, { code_verifier: verifier });
    const as = { bearer: tokens.access_token };
    const own = { user_id: tokens.user_id };
    await nest.call(`${V1}set_marketing_consent`, { ...own, level: "general" }, as);
    await nest.call(`${V2}list_sessions`, own, as);
    await nest.call(`${V2}get_user`, own, { internal: true });
    const { body: next } = await nest.refresh(tokens.refresh_token);
    await nest.call(`${V2}get_user`, own, { bearer: next.access_token });
    nest.clock.advance(11);
    await nest.refresh(tokens.refresh_token);
    nest.ses.fault({ calls: 1, kind: "rejected" });
    await nest.call(`${V1}send_magic_link`, linkRequest(link));
    await nest.call(`${V2}revoke_token`, { client_id: MAC, refresh_token: next.refresh_token });
    await nest.call(`${V1}${ADDRESS}`, {});
    const halves = [unused, code, tokens.refresh_token, next.refresh_token].map(
      (value) => value.split(".").at(-1) as string,
    );
    secrets.push(
      ...halves,
      tokens.access_token,
      next.access_token,
      verifier,
      nest.secrets.internalKey,
      nest.secrets.refreshKey,
    );
  });
  afterAll(() => nest.stop());

  test("the database holds no code, token, verifier or key in clear", async () => {
    const dump = await nest.dump();
    expect(dump.length).toBeGreaterThan(2000);
    for (const secret of secrets) expect(dump).not.toContain(secret);
    for (const key of nest.secrets.signingKeys.keys) expect(dump).not.toContain(key.d);
  });

  test("the log holds no secret and no address", () => {
    const log = nest.logLines.join("\n");
    expect(nest.logLines.length).toBeGreaterThan(10);
    for (const secret of secrets) expect(log).not.toContain(secret);
    expect(log.toLowerCase()).not.toContain("very.private");
    expect(log).not.toContain("203.0.113.9");
  });

  test("each call left one line that says what, how and how long", () => {
    const [line] = nest.logged("call").filter(({ method }) => method === "authenticate_user");
    expect(line).toMatchObject({
      level: "info",
      version: "2020-12-14",
      status: 400,
      code: "incorrect_code_verifier",
      client_id: MAC,
      request_id: expect.any(String),
      duration_ms: expect.any(Number),
    });
  });

  test("documents that end carry purgeAt, 30 days after their expiry", async () => {
    for (const name of ["authorizations", "sessions", "access_tokens", "refresh-tokens"]) {
      const documents = await nest.collection(name).find().toArray();
      expect(documents.length).toBeGreaterThan(0);
      for (const { expiresAt, purgeAt } of documents) {
        expect((purgeAt as Date).getTime() - Date.parse(String(expiresAt))).toBe(30 * 24 * 3600 * 1000);
      }
    }
  });
});
