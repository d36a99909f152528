import { BSON } from "mongodb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runFullScenario, type SensitiveValues } from "#tests/support/full_scenario.ts";
import { MAC, startNest, type TestNest, V2 } from "#tests/support/nest.ts";

/** The collections that store email addresses. */
const HOLD_ADDRESSES = [
  "authorizations",
  "identifiers",
  "mail-events",
  "oauth_identities",
  "oauth_states",
  "pending_identifiers",
  "trials",
  "verifications",
];
/** The collections that store networks: to distinguish sessions, to prove consent, and to tell who did what. */
const HOLD_NETWORKS = ["access_tokens", "audit_logs", "marketing-consent", "refresh-tokens", "sessions"];

/** A text in every form that may have been stored: upper and lower case, and common encodings. */
const writings = (text: string) => [
  text.toLowerCase(),
  encodeURIComponent(text).toLowerCase(),
  Buffer.from(text).toString("base64").toLowerCase(),
  Buffer.from(text).toString("hex"),
];

describe("secrets and personal data after a run that covers every kind of event", () => {
  let nest: TestNest;
  let traces: SensitiveValues;
  let log: string;

  beforeAll(async () => {
    nest = await startNest({
      environment: { LIMIT_LINKS_PER_ADDRESS: "100", LIMIT_LINKS_PER_NETWORK: "1000" },
    });
    traces = await runFullScenario(nest);
    log = nest.logLines.join("\n").toLowerCase();
  });
  afterAll(() => nest.stop());

  const collections = async () => {
    const found = await nest.gateway.mongo.database.listCollections().toArray();
    return found.map(({ name }) => name);
  };
  const contentOf = async (name: string) =>
    BSON.EJSON.stringify(await nest.collection(name).find().toArray()).toLowerCase();

  test("the run logged every kind of event and every kind of failure", async () => {
    const events = new Set(nest.logLines.map((line) => JSON.parse(line).event));
    for (const event of [
      "signed_in",
      "refresh_token_reuse",
      "trial_refused",
      "duplicate_subscription",
      "refunded",
      "stripe_dispute",
      "billing_portal_failed",
      "mail_returned",
      "mail_suppressed",
      "rate_limiter_unreachable",
      "webhook",
      "unmatched",
      "event",
    ])
      expect(events, event).toContain(event);
    const failed = new Set(traces.failures.map(({ body }) => body.code));
    expect(failed).toEqual(
      new Set(["unknown", "unavailable", "stripe_error", "email_not_sent", "delivery_failed"]),
    );
    for (const name of await collections())
      if (name !== "news-items") expect((await contentOf(name)).length, name).toBeGreaterThan(2);
  });

  test("the database contains no code, token, key, verifier or portal link in clear, neither whole nor in part", async () => {
    const dump = (await nest.dump()).toLowerCase();
    expect(traces.secrets.size).toBeGreaterThan(40);
    for (const [name, secret] of traces.secrets) {
      expect(secret.length, name).toBeGreaterThan(10);
      for (const written of writings(secret)) expect(dump.includes(written), name).toBe(false);
    }
  });

  test("the log contains no secret, email address, network or device fingerprint", () => {
    expect(nest.logLines.length).toBeGreaterThan(60);
    for (const [name, secret] of traces.secrets)
      for (const written of writings(secret)) expect(log.includes(written), name).toBe(false);
    for (const text of [...traces.addresses, ...traces.networks, ...traces.words])
      for (const written of writings(text)) expect(log.includes(written), text).toBe(false);
    for (const address of traces.addresses) expect(log).not.toContain(address.split("@")[0]?.toLowerCase());
  });

  test("email addresses and networks are stored only in the collections meant for them", async () => {
    for (const name of await collections()) {
      const content = await contentOf(name);
      for (const address of traces.addresses)
        if (!HOLD_ADDRESSES.includes(name)) expect(content, name).not.toContain(address.toLowerCase());
      for (const network of traces.networks)
        if (!HOLD_NETWORKS.includes(name)) expect(content, name).not.toContain(network);
    }
  });

  test("a 5xx response contains only its code and the request id", () => {
    expect(traces.failures.length).toBeGreaterThan(6);
    for (const { body } of traces.failures)
      expect(body).toEqual(
        body.code === "unknown"
          ? { code: "unknown", meta: { request_id: expect.any(String) } }
          : { code: body.code },
      );
  });

  test("no value of a stolen database works as a credential, alone or combined", async () => {
    const all = async (name: string) => nest.collection(name).find().toArray();
    const [open] = (await all("authorizations")).filter(
      ({ usedAt, revokedAt, key }) => !usedAt && !revokedAt && key,
    );
    const [sessions, refreshTokens, accessTokens] = await Promise.all(
      ["sessions", "refresh-tokens", "access_tokens"].map(all),
    );
    expect((await nest.redeem(`${open?._id}.${open?.key}`)).body.code).toBe("token_not_found");
    for (const { _id, key, rotation } of refreshTokens ?? []) {
      const salt = (rotation as { salt?: string } | null)?.salt ?? "0";
      for (const secret of [String(key), salt])
        expect((await nest.refresh(`01.${_id}.${secret}`)).status, String(_id)).not.toBe(200);
    }
    const ids = [...(sessions ?? []), ...(accessTokens ?? [])].map(({ _id }) => _id);
    for (const bearer of ids)
      expect((await nest.call(`${V2}get_user`, { user_id: "user_x" }, { bearer })).status).toBe(401);
  });

  test("every call wrote one log line with its method, result and duration", () => {
    const [line] = nest.logged("call").filter(({ code }) => code === "incorrect_code_verifier");
    expect(line).toMatchObject({
      level: "info",
      method: "authenticate_user",
      version: "2020-12-14",
      status: 400,
      client_id: MAC,
      request_id: expect.any(String),
      duration_ms: expect.any(Number),
      trips: expect.any(Number),
    });
  });

  test("documents that expire carry purgeAt 30 days after their expiry, access tokens 7 days, and used refresh tokens at most 35 days after their successor's use", async () => {
    for (const name of ["authorizations", "sessions", "access_tokens", "refresh-tokens"]) {
      const documents = await nest.collection(name).find().toArray();
      expect(documents.length).toBeGreaterThan(0);
      for (const { expiresAt, purgeAt, usedAt } of documents) {
        const keptMs = (purgeAt as Date).getTime() - Date.parse(String(expiresAt));
        const isUsedToken = name === "refresh-tokens" && typeof usedAt === "string";
        if (isUsedToken && keptMs < 0) {
          const latest = nest.clock.now().getTime() + 35 * 24 * 3600 * 1000;
          expect((purgeAt as Date).getTime()).toBeLessThanOrEqual(latest);
        } else expect(keptMs).toBe((name === "access_tokens" ? 7 : 30) * 24 * 3600 * 1000);
      }
    }
  });
});
