import { createRemoteJWKSet, jwtVerify } from "jose";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { callAdapter, type ForeignReply } from "#tests/support/adapters.ts";
import { appWithClients } from "#tests/support/app.ts";
import { digitsIn, wrongCode } from "#tests/support/codes.ts";
import { atOnce } from "#tests/support/concurrency.ts";
import { readJws } from "#tests/support/jws.ts";
import { startTestStack } from "#tests/support/local_stack.ts";
import { startNest, type TestNest } from "#tests/support/nest.ts";
import { V3 } from "#tests/support/plans.ts";
import { ADAPTER_CLIENT_IDS } from "#tools/local/sample_clients.ts";

const PHONE = "6591234567";
const TEXT = "text/plain; charset=utf-8";
const FORM = { "content-type": "application/x-www-form-urlencoded" };

/** A client as the original's README describes it: it knows the base URL, three paths and plain texts. */
class BeepClient {
  readonly #base: string;
  readonly #isForm: boolean;
  constructor(base: string, { isForm = false } = {}) {
    this.#base = base;
    this.#isForm = isForm;
  }

  async post(path: string, fields: Record<string, string>): Promise<string> {
    const response = await fetch(`${this.#base}${path}`, {
      method: "POST",
      ...(this.#isForm
        ? { body: new URLSearchParams(fields) }
        : { body: JSON.stringify(fields), headers: { "content-type": "application/json" } }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${response.status} ${text}`);
    return text;
  }
}

describe.each([false, true])("an unmodified client that sends forms: %s", (isForm) => {
  test("signs in with the SMS, and any library verifies its token", async () => {
    await using stack = await startTestStack();
    const { body: status } = await stack.ask("GET", "/dev/status");
    const client = new BeepClient(status.adapters.beep.url, { isForm });
    const nonce = await client.post("/init", { phone_number: PHONE });
    const { body: inbox } = await stack.ask("GET", "/dev/sms");
    const [sms] = inbox;
    expect(sms.to).toBe(`+${PHONE}`);
    const device = "00:00:5e:00:53:af";
    const jwt = await client.post("/verify", { code: digitsIn(sms.text), nonce, clientid: device });

    const keys = createRemoteJWKSet(new URL(`${stack.api.url}/.well-known/jwks.json`));
    const { payload } = await jwtVerify(jwt, keys, { issuer: stack.api.url });
    expect(payload).toMatchObject({ userid: payload.sub, clientid: device, device_id: device, amr: ["otp"] });
    const user = await stack.ask("POST", `${V3}get_user`, {}, { authorization: `bearer ${jwt}` });
    expect(user.body).toMatchObject({ id: payload.sub, identifiers: [{ identifier_value: `+${PHONE}` }] });

    const test = await client.post("/login", { userid: String(payload.sub), clientid: "another device" });
    const tested = await jwtVerify(test, keys, { issuer: stack.api.url });
    expect(tested.payload).toMatchObject({ userid: payload.sub, clientid: "another device", amr: ["test"] });
  });
});

let nest: TestNest;
beforeAll(async () => {
  nest = await startNest();
});
afterAll(() => nest.stop());

const post = (path: string, body?: unknown, headers: Record<string, string> = {}, on = nest) =>
  callAdapter(on, `/beep${path}`, { body, headers });

/** Requests a code, and returns what `/verify` needs. */
async function begin(
  phone_number = PHONE,
  on = nest,
): Promise<{ nonce: string; code: string; clientid: string }> {
  const { status, text } = await post("/init", { phone_number }, {}, on);
  if (status !== 200) throw new Error(`${status} ${text}`);
  return { nonce: text, code: digitsIn(on.lastSms().text), clientid: "d" };
}

const expectText = ({ status, headers, text }: ForeignReply, expected: number, sentence: RegExp) => {
  expect([status, headers["content-type"]]).toEqual([expected, TEXT]);
  expect(text).toMatch(sentence);
  expect(text).not.toMatch(/[{}<>]/);
};

describe("POST /init", () => {
  test.each([
    ["without a plus sign", PHONE],
    ["with a plus sign", `+${PHONE}`],
    ["as people write it", "+65 9123-4567"],
  ])("takes a number %s and answers the nonce as text", async (_form, phone_number) => {
    const reply = await post("/init", { phone_number });
    expectText(reply, 200, /^[0-9a-f]{64}$/);
    expect(reply.headers["cache-control"]).toBe("no-store");
    expect(nest.lastSms().to).toBe(`+${PHONE}`);
  });

  test("takes a form whose plus sign was not escaped, and JSON that is called a form", async () => {
    expectText(await post("/init", `phone_number=+${PHONE}`, FORM), 200, /^\w{64}$/);
    expectText(await post("/init", `{"phone_number":"${PHONE}"}`, FORM), 200, /^\w{64}$/);
  });

  test.each([
    ["no body", undefined, /could not be read/],
    ["broken JSON", "{oops", /could not be read/],
    ["no object", "3", /could not be read/],
    ["a number that is no string", { phone_number: 6591234567 }, /could not be read/],
    ["no phone_number", {}, /could not be read/],
    ["an empty phone_number", { phone_number: "" }, /could not be read/],
    ["a text that is no number", { phone_number: "12" }, /not a valid phone number/],
    ["an unassigned number", { phone_number: "+65123" }, /not a valid phone number/],
    ["a country that gets no SMS", { phone_number: "+33612345678" }, /country/],
    ["a body that is too large", "x".repeat(64 * 1024 + 1), /too large/],
  ])("answers 400 in one sentence to %s", async (_what, body, sentence) => {
    const before = nest.sns.inbox.length;
    expectText(await post("/init", body), 400, sentence);
    expect(nest.sns.inbox).toHaveLength(before);
  });

  test("answers 500 if the SMS can't be sent", async () => {
    nest.sns.fault({ calls: 1, kind: "error" });
    expectText(await post("/init", { phone_number: PHONE }), 500, /SMS could not be sent/);
  });

  test("answers 429 with Retry-After over the limit of a number", async () => {
    const strict = await startNest({ beside: nest, environment: { LIMIT_CODES_PER_IDENTIFIER: "1" } });
    await post("/init", { phone_number: "+6598765432" }, {}, strict);
    const refused = await post("/init", { phone_number: "6598765432" }, {}, strict);
    expectText(refused, 429, /Too many/);
    expect(Number(refused.headers["retry-after"])).toBeGreaterThan(0);
    await strict.stop();
  });

  test("ignores a credential, which clients may keep from the original", async () => {
    const headers = { authorization: "Bearer eyJhbGciOiJIUzI1NiJ9.e30.old" };
    expect((await post("/init", { phone_number: PHONE }, headers)).status).toBe(200);
  });
});

describe("POST /verify", () => {
  test("makes a user of an unknown number once, and signs the same user in again", async () => {
    const first = readJws((await post("/verify", await begin("+6591110001"))).text).claims;
    const again = readJws((await post("/verify", await begin("+6591110001"))).text).claims;
    expect(first).toMatchObject({ userid: expect.stringMatching(/^user_/), clientid: "d" });
    expect(again.userid).toBe(first.userid);
    const session = await nest.collection("sessions").findOne({ _id: String(again.sid) });
    expect(session).toMatchObject({ clientId: ADAPTER_CLIENT_IDS.beep, deviceId: "d" });
  });

  test.each([
    ["no body", undefined],
    ["broken JSON", "{"],
    ["no code", { nonce: "n", clientid: "d" }],
    ["no nonce", { code: "123456", clientid: "d" }],
    ["no clientid", { code: "123456", nonce: "n" }],
    ["a clientid over 128 characters", { code: "123456", nonce: "n", clientid: "d".repeat(129) }],
  ])("answers 400 to %s", async (_what, body) => {
    expectText(await post("/verify", body), 400, /could not be read/);
  });

  test("answers the same 404 to unknown, wrong, used and expired codes, and to those of another nonce", async () => {
    const right = await begin("+6591110002");
    const other = await begin("+6591110003");
    const replies = [
      await post("/verify", { ...right, nonce: "0".repeat(64) }),
      await post("/verify", { ...right, code: wrongCode(right.code) }),
      await post("/verify", { ...other, code: right.code === other.code ? "x" : right.code }),
    ];
    expect((await post("/verify", right)).status).toBe(200);
    nest.clock.advance(6);
    await nest.collection("sessions").updateMany({}, { $set: { acknowledgedGeneration: 1 } });
    replies.push(await post("/verify", right));
    const late = await begin("+6591110004");
    nest.clock.advance(10 * 60);
    replies.push(await post("/verify", late));
    for (const reply of replies) expectText(reply, 404, /No open code/);
    expect(new Set(replies.map(({ text }) => text)).size).toBe(1);
  });

  test("refuses the right code after five wrong ones", async () => {
    const right = await begin("+6591110005");
    for (let tries = 0; tries < 5; tries++)
      expect((await post("/verify", { ...right, code: wrongCode(right.code) })).status).toBe(404);
    expect((await post("/verify", right)).status).toBe(404);
  });

  test("redeems a code once when 20 requests race", async () => {
    const right = await begin("+6591110006");
    const replies = await atOnce(() => post("/verify", right));
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(await nest.collection("identifiers").countDocuments({ identifierValue: "+6591110006" })).toBe(1);
  });

  test("answers 429 when a number had too many wrong codes", async () => {
    const environment = { LIMIT_CODE_FAILURES_PER_IDENTIFIER: "1" };
    const strict = await startNest({ beside: nest, environment });
    const right = await begin("+6591110007", strict);
    const wrong = { ...right, code: wrongCode(right.code) };
    expect((await post("/verify", wrong, {}, strict)).status).toBe(404);
    expectText(await post("/verify", wrong, {}, strict), 429, /Too many/);
    await strict.stop();
  });

  test("answers 5xx in one sentence while the database is lost", async () => {
    const MONGODB_URI = nest.mongoUri.replace(/\/\/[^/]*\//, "//127.0.0.1:1/");
    const lost = await startNest({
      beside: nest,
      environment: {
        MONGODB_URI: `${MONGODB_URI}${MONGODB_URI.includes("?") ? "&" : "?"}serverSelectionTimeoutMS=200`,
      },
    });
    const reply = await post("/verify", { code: "123456", nonce: "n", clientid: "d" }, {}, lost);
    expectText(reply, 503, /unavailable/);
    await lost.stop();
  });
});

describe("POST /login", () => {
  let userid: string;
  beforeAll(async () => {
    userid = String(readJws((await post("/verify", await begin("+6591110008"))).text).claims.userid);
  });

  test("issues a test token with the claims, in JSON and in a form", async () => {
    for (const reply of [
      await post("/login", { userid, clientid: "mac" }),
      await post("/login", `userid=${userid}&clientid=mac`, FORM),
    ]) {
      expectText(reply, 200, /^[\w-]+\.[\w-]+\.[\w-]+$/);
      expect(readJws(reply.text).claims).toMatchObject({ userid, clientid: "mac", amr: ["test"] });
    }
  });

  test.each([
    ["no body", undefined],
    ["no userid", { clientid: "mac" }],
    ["no clientid", { userid: "user_none" }],
  ])("answers 400 to %s", async (_what, body) => {
    expectText(await post("/login", body), 400, /could not be read/);
  });

  test("answers 404 for a user who does not exist", async () => {
    expectText(await post("/login", { userid: "user_none", clientid: "mac" }), 404, /no user/);
  });

  describe.each(["nonprod", "prod"] as const)("on the stage %s", (STAGE) => {
    let deployed: TestNest;
    const internal = () => ({ authorization: `internal ${nest.secrets.internalKey}` });
    beforeAll(async () => {
      const client = { id: "client_beep", adapters: ["beep"] as const, grants: ["otp"] as const };
      const claims = { userid: "sub", clientid: "device_id" } as const;
      const app = appWithClients({ ...client, claims, phoneCountries: ["SG"] });
      deployed = await startNest({ beside: nest, app, environment: { STAGE } });
    });
    afterAll(() => deployed.stop());

    test("refuses a caller without the internal key, although the variable of the local stack is set", async () => {
      const reply = await post("/login", { userid, clientid: "mac" }, {}, deployed);
      expect(deployed.environment.LOCAL_INTERNAL_KEY).toBe(nest.secrets.internalKey);
      expectText(reply, 404, /no such path/);
      for (const authorization of ["internal wrong", "bearer junk"]) {
        const refused = await post("/login", { userid, clientid: "mac" }, { authorization }, deployed);
        expectText(refused, 404, /no such path/);
      }
    });

    test(STAGE === "prod" ? "answers 404 also with the internal key" : "takes the internal key", async () => {
      const reply = await post("/login", { userid, clientid: "mac" }, internal(), deployed);
      if (STAGE === "prod") expectText(reply, 404, /no such path/);
      else expect(readJws(reply.text).claims).toMatchObject({ userid, clientid: "mac" });
    });

    test("serves /init and /verify", async () => {
      const { status, text } = await post("/verify", await begin("+6591110009", deployed), {}, deployed);
      expect(status).toBe(200);
      expect(readJws(text).claims).toMatchObject({ clientid: "d" });
    });
  });
});

describe("other requests below /beep", () => {
  test("get 404 for an unknown path and 405 for an unknown method, in one sentence", async () => {
    for (const path of ["/", "/nothing", "/init/", "/Init"])
      expectText(await post(path, {}), 404, /no such path/);
    for (const method of ["GET", "PUT", "DELETE"]) {
      const reply = await callAdapter(nest, "/beep/init", { method });
      expectText(reply, 405, /does not support/);
      expect(reply.headers.allow).toBe("POST");
    }
  });

  test("get CORS headers for an origin of the adapter's client only, also with an error", async () => {
    const ask = (origin: string, path = "/init", method = "OPTIONS") =>
      callAdapter(nest, `/beep${path}`, { method, headers: { origin } });
    const allowed = await ask("http://localhost:5174");
    expect(allowed.status).toBe(204);
    expect(allowed.headers).toMatchObject({
      "access-control-allow-origin": "http://localhost:5174",
      "access-control-allow-methods": "POST",
      "access-control-allow-headers": "content-type",
    });
    const failed = await ask("http://localhost:5174", "/init", "POST");
    expect(failed.status).toBe(400);
    expect(failed.headers["access-control-allow-origin"]).toBe("http://localhost:5174");
    const foreign = await ask("https://elsewhere.example");
    expect(Object.keys(foreign.headers).filter((name) => name.startsWith("access-control"))).toEqual([]);
    expectText(await ask("http://localhost:5174", "/nothing"), 404, /no such path/);
  });
});

describe("the adapter", () => {
  beforeEach(() => nest.logLines.splice(0));

  test("logs the call of the method and its own response, without number, nonce and code", async () => {
    const right = await begin("+6591110010");
    await post("/verify", right);
    expect(nest.logged("call").map(({ method, status }) => [method, status])).toEqual([
      ["send_otp", 200],
      ["authenticate_user", 200],
    ]);
    expect(nest.logged("adapter")).toMatchObject([
      { adapter: "beep", route: "/init", status: 200 },
      { adapter: "beep", route: "/verify", status: 200 },
    ]);
    const log = nest.logLines.join("\n");
    for (const secret of ["6591110010", right.nonce, right.code]) expect(log).not.toContain(secret);
  });

  test("is audited as the method is", async () => {
    const { claims } = readJws((await post("/verify", await begin("+6591110011"))).text);
    const rows = (await nest.moveEvents()).filter(({ userId }) => userId === claims.sub);
    expect(rows.map(({ action }) => action)).toEqual(
      expect.arrayContaining(["user.created", "user.signed_in"]),
    );
    expect(rows.find(({ action }) => action === "user.signed_in")).toMatchObject({
      ...{ clientId: ADAPTER_CLIENT_IDS.beep, origin: { ip: "203.0.113.9" } },
    });
  });

  test("is off without a client that lists it, and refuses to start with two", async () => {
    const without = await startNest({ beside: nest, app: appWithClients({ id: "client_own" }) });
    const { status, text } = await post("/init", { phone_number: PHONE }, {}, without);
    expect([status, text]).toEqual([404, '{"code":"not_found"}']);
    await without.stop();
    const beep = (id: string) => ({ id, adapters: ["beep"] as const });
    const two = appWithClients(beep("client_one"), beep("client_two"));
    await expect(startNest({ beside: nest, app: two })).rejects.toThrow(/exactly one enabled client/);
  });
});
