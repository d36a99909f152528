import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hashSecret } from "#core/secrets.ts";
import { appWithClients } from "#tests/support/app.ts";
import { MAC, startNest, type TestNest, type Tokens, V1, V2 } from "#tests/support/nest.ts";

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

describe("contract J, account", () => {
  let nest: TestNest;
  let ada: Tokens;
  let bearer: string;
  beforeAll(async () => {
    nest = await startNest();
    ada = await nest.signIn();
    bearer = ada.access_token;
  });
  afterAll(() => nest.stop());

  test("J43: get_user returns every field, with null for absent values", async () => {
    const { status, body } = await nest.call(`${V2}get_user`, { user_id: ada.user_id }, { bearer });
    expect(status).toBe(200);
    expect(body).toEqual({
      id: ada.user_id,
      created_at: expect.stringMatching(ISO),
      identifiers: [
        {
          id: expect.stringMatching(/^userident_[0-9A-Za-z]{27}$/),
          identifier_type: "email",
          identifier_value: "ada@example.com",
          created_at: expect.stringMatching(ISO),
          updated_at: expect.stringMatching(ISO),
          verified_at: expect.stringMatching(ISO),
          removed_at: null,
        },
      ],
    });
  });

  test("J44 and J45: consent is awaiting_consent until it is set; each change is stored with time, IP address and client", async () => {
    const user_id = ada.user_id;
    const get = async () => nest.call(`${V1}get_marketing_consent`, { user_id }, { bearer });
    const set = async (level: string) =>
      nest.call(`${V1}set_marketing_consent`, { user_id, level }, { bearer });
    expect({ status: (await get()).status, body: (await get()).body }).toEqual({
      status: 404,
      body: { code: "awaiting_consent" },
    });
    for (const level of ["general", "general", "none"]) {
      const reply = await set(level);
      expect({ status: reply.status, raw: reply.raw }).toEqual({ status: 204, raw: "" });
      expect((await get()).body).toEqual({ level });
    }
    expect((await set("all")).body.meta).toEqual({
      path: ["level"],
      name: "enum",
      message: "is not one of enum values: none,general",
    });
    const stored = await nest.collection("marketing-consent").findOne({ userId: user_id });
    const change = (level: string) => ({
      level,
      changedAt: expect.stringMatching(ISO),
      ip: "203.0.113.9",
      clientId: MAC,
    });
    expect(stored).toMatchObject({ level: "none", history: [change("general"), change("none")] });
  });

  test("stores one document when ten first consent choices race", async () => {
    const { user_id, access_token } = await nest.signIn("twice@example.com");
    const set = (level: string) =>
      nest.call(`${V1}set_marketing_consent`, { user_id, level }, { bearer: access_token });
    const replies = await Promise.all(
      [..."ababababab"].map((letter) => set(letter === "a" ? "general" : "none")),
    );
    expect(replies.map(({ status }) => status)).toEqual(Array(10).fill(204));
    const stored = await nest.collection("marketing-consent").find({ userId: user_id }).toArray();
    expect(stored).toHaveLength(1);
    expect(stored).toMatchObject([{ level: expect.any(String), history: expect.any(Array) }]);
    const history = stored.flatMap(({ history }) => history as { level: string }[]);
    expect(history.at(-1)?.level).toBe(stored[0]?.level);
  });

  test("J46: an internal caller gets not_found for an unknown user", async () => {
    const user_id = "user_nobody";
    for (const [path, body] of [
      [`${V2}get_user`, { user_id }],
      [`${V1}get_marketing_consent`, { user_id }],
      [`${V1}set_marketing_consent`, { user_id, level: "none" }],
    ] as const) {
      const reply = await nest.call(path, body, { internal: true });
      expect({ status: reply.status, body: reply.body }, path).toEqual({
        status: 404,
        body: { code: "not_found" },
      });
    }
  });

  test("J50: enrol_alpha_user is deprecated for an internal caller and access_denied for every other caller", async () => {
    const call = (options: object) => nest.call(`${V1}enrol_alpha_user`, { email: "a@b.example" }, options);
    expect((await call({})).body).toEqual({ code: "access_denied" });
    expect((await call({ bearer })).body).toEqual({ code: "access_denied" });
    const internal = await call({ internal: true });
    expect({ status: internal.status, body: internal.body }).toEqual({
      status: 410,
      body: { code: "deprecated" },
    });
  });

  test("J51: list_news_items returns a client's current items in order, in exactly the documented shape", async () => {
    const own = await startNest();
    const banner = {
      code: "generic_banner",
      dismissible: true,
      payload: { emoji: "🐦", title: "T", body: "B", action: null },
    };
    const item = (_id: string, change: object) => ({
      _id,
      primary: banner,
      fallback: null,
      clientIds: null,
      startsAt: "2020-01-01T00:00:00.000Z",
      endsAt: null,
      order: 1,
      createdAt: "2020-01-01T00:00:00.000Z",
      updatedAt: null,
      ...change,
    });
    await own
      .collection("news-items")
      .insertMany([
        item("newsitem_second", { order: 2 }),
        item("newsitem_first", { order: 1, clientIds: ["x"], fallback: banner }),
        item("newsitem_others", { clientIds: ["y"] }),
        item("newsitem_later", { startsAt: "2999-01-01T00:00:00.000Z" }),
        item("newsitem_over", { endsAt: "2020-01-02T00:00:00.000Z" }),
      ]);
    const list = async (client_id: string) => (await own.call(`${V1}list_news_items`, { client_id })).body;
    expect(await list("x")).toEqual([
      { id: "newsitem_first", primary: banner, fallback: banner },
      { id: "newsitem_second", primary: banner, fallback: null },
    ]);
    await own.collection("news-items").deleteMany({});
    expect(await list("x")).toHaveLength(2);
    own.clock.advance(61);
    expect(await list("x")).toEqual([]);
    await own.stop();
  });
});

describe("sessions", () => {
  let nest: TestNest;
  beforeAll(async () => {
    nest = await startNest();
  });
  afterAll(() => nest.stop());

  test("list_sessions lists each device and marks the caller's session; revoke_session revokes one", async () => {
    const laptop = await nest.signIn("ada@example.com");
    const desk = await nest.signIn(
      "ada@example.com",
      { device: { platform: "windows", beak_id: "b2", fingerprint: "f2" } },
      { ip: "2001:db8::1" },
    );
    const user_id = laptop.user_id;
    const list = async (bearer: string) =>
      (await nest.call(`${V2}list_sessions`, { user_id }, { bearer })).body;
    const sessions = await list(desk.access_token);
    expect(sessions).toEqual([
      {
        id: expect.stringMatching(/^session_[0-9A-Za-z]{27}$/),
        client_id: MAC,
        // A hash: a caller that knows a beak_id can request links as that device.
        device: { platform: "mac", beak_id: hashSecret("b1"), fingerprint: hashSecret("f1") },
        ip: "203.0.113.9",
        created_at: expect.stringMatching(ISO),
        last_used_at: expect.stringMatching(ISO),
        current: false,
      },
      expect.objectContaining({
        device: { platform: "windows", beak_id: hashSecret("b2"), fingerprint: hashSecret("f2") },
        ip: "2001:db8::1",
        current: true,
      }),
    ]);
    const revoke = (session_id: string, options: object) =>
      nest.call(`${V2}revoke_session`, { user_id, session_id }, options);
    for (let times = 0; times < 2; times++) {
      expect((await revoke(sessions[0].id, { bearer: desk.access_token })).status).toBe(204);
    }
    expect(await list(desk.access_token)).toHaveLength(1);
    expect(
      (await nest.call(`${V2}list_sessions`, { user_id }, { bearer: laptop.access_token })).body.reasons[0]
        .code,
    ).toBe("token_revoked");
    expect((await nest.refresh(laptop.refresh_token)).body.code).toBe("authorization_not_found");
  });

  test("list_sessions returns the newest 500 sessions, oldest first", async () => {
    const tokens = await nest.signIn("script@example.com");
    const own = { user_id: tokens.user_id };
    const template = await nest.collection("sessions").findOne({ userId: tokens.user_id });
    await nest.collection("sessions").insertMany(
      Array.from({ length: 600 }, (_, index) => ({
        ...template,
        _id: `session_${String(index).padStart(27, "0")}`,
        createdAt: new Date(Date.UTC(2026, 0, 1) + index).toISOString(),
      })),
    );
    const { body } = await nest.call(`${V2}list_sessions`, own, { bearer: tokens.access_token });
    expect(body).toHaveLength(500);
    const times = body.map(({ created_at }: { created_at: string }) => created_at);
    expect(times).toEqual([...times].sort());
    expect(body.at(-1).current).toBe(true);
    expect(body[0].id).toBe(`session_${String(101).padStart(27, "0")}`);
  });

  test("list_sessions omits expired sessions", async () => {
    const own = await startNest();
    const client = { user_id: (await own.signIn()).user_id };
    await own.signIn();
    own.clock.advance(365 * 24 * 3600);
    const { access_token } = await own.signIn();
    expect((await own.call(`${V2}list_sessions`, client, { bearer: access_token })).body).toHaveLength(1);
    await own.stop();
  });

  test("revoke_session of another user's session or of an unknown session is not_found and changes nothing", async () => {
    const ada = await nest.signIn("owner@example.com");
    const eve = await nest.signIn("eve@example.com");
    const [session] = (
      await nest.call(`${V2}list_sessions`, { user_id: ada.user_id }, { bearer: ada.access_token })
    ).body;
    for (const session_id of [session.id, "session_nobody"]) {
      const reply = await nest.call(
        `${V2}revoke_session`,
        { user_id: eve.user_id, session_id },
        { bearer: eve.access_token },
      );
      expect({ status: reply.status, body: reply.body }).toEqual({
        status: 404,
        body: { code: "not_found" },
      });
    }
    expect(
      (await nest.call(`${V2}get_user`, { user_id: ada.user_id }, { bearer: ada.access_token })).status,
    ).toBe(200);
  });

  test("revoke_token returns 204 for any well-formed body; only the right secret, of any generation, revokes the session", async () => {
    const tokens = await nest.signIn("out@example.com");
    const { body: next } = await nest.refresh(tokens.refresh_token);
    const revoke = async (refresh_token: string, client_id = MAC) =>
      (await nest.call(`${V2}revoke_token`, { client_id, refresh_token })).status;
    const [, id] = tokens.refresh_token.split(".");
    expect(await revoke("junk")).toBe(204);
    expect(await revoke("01.reftok_nobody.00")).toBe(204);
    expect(await revoke(`01.${id}.${"0".repeat(64)}`)).toBe(204);
    const user = () => nest.call(`${V2}get_user`, { user_id: next.user_id }, { bearer: next.access_token });
    expect((await user()).status).toBe(200);
    expect(await revoke(tokens.refresh_token)).toBe(204);
    expect((await user()).status).toBe(401);
    expect((await nest.call(`${V2}revoke_token`, {})).body.code).toBe("validation_failed");
  });
});

describe("cross-origin calls", () => {
  test("do not allow a disabled client's origin", async () => {
    const nest = await startNest();
    const headers = { origin: "https://rio.getbeak.app" };
    const reply = await nest.call(`${V1}list_news_items`, { client_id: "x" }, { headers });
    expect(reply.headers).not.toHaveProperty("access-control-allow-origin");
    await nest.stop();
  });

  test("allow an enabled client's origin and no other", async () => {
    const app = appWithClients({ id: "client_web", origins: ["https://app.example"] });
    const nest = await startNest({ app });
    const ask = (origin: string, method: string) =>
      nest.call(`${V1}list_news_items`, method === "POST" ? { client_id: "x" } : undefined, {
        method,
        headers: { origin },
      });
    const preflight = await ask("https://app.example", "OPTIONS");
    expect({ status: preflight.status, headers: preflight.headers }).toMatchObject({
      status: 204,
      headers: {
        "access-control-allow-origin": "https://app.example",
        "access-control-allow-headers": "authorization, content-type",
        "access-control-max-age": "86400",
        vary: "origin",
      },
    });
    expect((await ask("https://app.example", "POST")).headers["access-control-allow-origin"]).toBe(
      "https://app.example",
    );
    for (const method of ["OPTIONS", "POST"]) {
      const { headers } = await ask("https://evil.example", method);
      expect(Object.keys(headers).filter((name) => name.startsWith("access-control-"))).toEqual([]);
    }
    await nest.stop();
  });
});
