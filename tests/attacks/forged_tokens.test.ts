import { createHmac, createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { generateKeySet } from "#core/keys/key_rotation.ts";
import type { StoredKey } from "#core/keys/signing_keys.ts";
import { forge, readJws, signEs256 } from "#tests/support/jws.ts";
import { startNest, type TestNest, type Tokens, V2 } from "#tests/support/nest.ts";

/**
 * The well-known attacks on JSON Web Tokens. The attacker knows everything public: the JWKS, a valid token, the id of
 * its record. The tests of claims also give the attacker the signing key.
 */
describe("a forged access token", () => {
  let nest: TestNest;
  let tokens: Tokens;
  let ours: StoredKey;
  let theirs: StoredKey;
  let header: Record<string, unknown>;
  let claims: Record<string, unknown>;
  let before: string;
  let asked: string[];
  let lure: string;
  let closeLure: () => Promise<void>;

  beforeAll(async () => {
    nest = await startNest();
    tokens = await nest.signIn();
    ({ header, claims } = readJws(tokens.access_token));
    ours = nest.secrets.signingKeys.keys.find(({ state }) => state === "current") as StoredKey;
    [theirs] = (await generateKeySet(new Date())).keys as [StoredKey];
    await call(tokens.access_token);
    before = await nest.dump();
    asked = [];
    const { kty, crv, x, y } = theirs;
    const jwks = JSON.stringify({ keys: [{ kty, crv, x, y, kid: "mine", alg: "ES256" }] });
    const server = createServer((request, response) => {
      asked.push(request.url ?? "");
      response.end(jwks);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    lure = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`;
    closeLure = () => new Promise((resolve) => server.close(() => resolve()));
  });
  afterAll(async () => {
    await closeLure();
    await nest.stop();
  });

  const call = (bearer: string) => nest.call(`${V2}get_user`, { user_id: tokens.user_id }, { bearer });
  const refused = async (name: string, bearer: string, reason: string | RegExp = "invalid_token") => {
    const reply = await call(bearer);
    expect({ status: reply.status, code: reply.body.code }, name).toEqual({
      status: 401,
      code: "unauthorized",
    });
    expect(reply.body.reasons[0].code, name).toEqual(expect.stringMatching(reason));
    expect(reply.headers["www-authenticate"]).toBe('Bearer error="invalid_token"');
  };
  const publicPem = () => {
    const key = { kty: ours.kty, crv: ours.crv, x: ours.x, y: ours.y };
    return createPublicKey({ key: key, format: "jwk" }).export({ type: "spki", format: "pem" });
  };

  test("the forging helpers make valid tokens if nothing is changed", async () => {
    expect((await call(forge(header, claims, ours))).status).toBe(200);
  });

  test("refuses alg none in every spelling, with and without a signature", async () => {
    for (const alg of [
      "none",
      "None",
      "NONE",
      "nOnE",
      "",
      " ",
      "null",
      null,
      undefined,
      0,
      [],
      ["none"],
      {},
    ]) {
      const unsigned = forge({ ...header, alg }, claims, () => Buffer.alloc(0));
      await refused(`${alg} unsigned`, unsigned);
      await refused(`${alg} without the last dot`, unsigned.slice(0, -1));
      await refused(
        `${alg} with the old signature`,
        unsigned + tokens.access_token.slice(tokens.access_token.lastIndexOf(".") + 1),
      );
    }
  });

  test("refuses an HMAC that is keyed with the public key in any published form (key confusion)", async () => {
    const [key] = (await nest.call("/.well-known/jwks.json", undefined, { method: "GET" })).body.keys;
    const point = Buffer.concat([
      Buffer.from([4]),
      Buffer.from(ours.x, "base64url"),
      Buffer.from(ours.y, "base64url"),
    ]);
    const forms = [publicPem(), String(publicPem()).trim(), JSON.stringify(key), point, ours.x, ours.kid, ""];
    for (const [bits, alg] of [
      ["256", "HS256"] as const,
      ["384", "HS384"] as const,
      ["512", "HS512"] as const,
    ]) {
      for (const [index, form] of forms.entries()) {
        const hmac = (input: string) => createHmac(`sha${bits}`, form).update(input).digest();
        await refused(`${alg} form ${index}`, forge({ ...header, alg }, claims, hmac));
      }
    }
  });

  test("refuses every other algorithm, even with a valid signature, and ES256 under another name", async () => {
    const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
    const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey;
    const k256 = generateKeyPairSync("ec", { namedCurve: "secp256k1" }).privateKey;
    const ed = generateKeyPairSync("ed25519").privateKey;
    const raw = { dsaEncoding: "ieee-p1363" } as const;
    const signers: [string, (input: string) => Buffer][] = [
      ["RS256", (input) => sign("sha256", Buffer.from(input), rsa)],
      ["PS256", (input) => sign("sha256", Buffer.from(input), { key: rsa, padding: 6, saltLength: 32 })],
      ["ES384", (input) => sign("sha384", Buffer.from(input), { key: p384, ...raw })],
      ["ES256K", (input) => sign("sha256", Buffer.from(input), { key: k256, ...raw })],
      ["EdDSA", (input) => sign(null, Buffer.from(input), ed)],
      ["Ed25519", (input) => sign(null, Buffer.from(input), ed)],
    ];
    for (const [alg, signer] of signers) await refused(alg, forge({ ...header, alg }, claims, signer));
    for (const alg of ["es256", "ES256 ", "ES384", "ES512", "RS256", ["ES256"], { alg: "ES256" }])
      await refused(`our own as ${JSON.stringify(alg)}`, forge({ ...header, alg }, claims, ours));
  });

  test("refuses a kid that is a path, a URL, a query, of a wrong type, very long, absent, or of another key", async () => {
    const next = nest.secrets.signingKeys.keys.find(({ state }) => state === "next") as StoredKey;
    const kids: unknown[] = [
      "../../../../dev/null",
      "/proc/self/environ",
      "file:///dev/null",
      lure,
      "' OR '1'='1",
      "x' UNION SELECT 'key",
      { $ne: null },
      { $gt: "" },
      "__proto__",
      "constructor",
      "",
      "\u0000",
      `${ours.kid}\u0000`,
      ` ${ours.kid}`,
      ours.kid.toLowerCase() === ours.kid ? ours.kid.toUpperCase() : ours.kid.toLowerCase(),
      "x".repeat(1_000_000),
      null,
      0,
      true,
      [ours.kid],
      [],
      undefined,
    ];
    for (const kid of kids) {
      const name = String(JSON.stringify(kid)).slice(0, 40);
      await refused(name, forge({ ...header, kid }, claims, theirs));
      await refused(`${name}, signed by us`, forge({ ...header, kid }, claims, ours));
      // Signed with an empty key and unsigned, since such a lookup could return no key.
      const empty = (input: string) => createHmac("sha256", "").update(input).digest();
      await refused(`${name}, empty key`, forge({ ...header, alg: "HS256", kid }, claims, empty));
    }
    await refused("our key under the other's kid", forge({ ...header, kid: next.kid }, claims, ours));
    await refused("the other key under ours", forge(header, claims, next));
  });

  test("ignores the attacker's key in jwk, jku, x5u and x5c, and fetches nothing", async () => {
    const { kty, crv, x, y } = theirs;
    const jwk = { kty, crv, x, y };
    const certificate = Buffer.from(String(publicPem())).toString("base64");
    const lures: Record<string, unknown>[] = [
      { jwk },
      { jwk: { ...jwk, kid: ours.kid } },
      { jwk, kid: undefined },
      { jku: lure },
      { jku: lure, kid: "mine" },
      { jku: `${lure}#${nest.environment.ISSUER}/.well-known/jwks.json` },
      { x5u: lure, x5t: "x" },
      { x5c: [certificate] },
      { jwk, jku: lure, x5u: lure, x5c: [certificate], kid: undefined },
    ];
    for (const extra of lures)
      await refused(Object.keys(extra).join(), forge({ ...header, ...extra }, claims, theirs));
    expect(asked).toEqual([]);
  });

  test("refuses unknown critical headers and an unencoded payload, even with a valid signature", async () => {
    const critical: Record<string, unknown>[] = [
      { crit: ["x"], x: true },
      { crit: ["exp"], exp: 1 },
      { crit: [] },
      { crit: "b64", b64: true },
      { crit: ["b64"] },
      { crit: ["b64"], b64: false },
      { crit: ["alg"] },
      { crit: null },
    ];
    for (const extra of critical)
      await refused(JSON.stringify(extra), forge({ ...header, ...extra }, claims, ours));
    const input = `${Buffer.from(JSON.stringify({ ...header, crit: ["b64"], b64: false })).toString("base64url")}.{}`;
    await refused("raw payload", `${input}.${signEs256(ours, input).toString("base64url")}`);
  });

  test("refuses wrong claims, even if the signing key signed them", async () => {
    const now = Math.floor(nest.clock.now().getTime() / 1000);
    const wrong: [string, Record<string, unknown>, string?][] = [
      ["no issuer", { iss: undefined }],
      ["another issuer", { iss: "https://elsewhere.test" }],
      ["our issuer with a slash", { iss: `${claims.iss}/` }],
      ["our issuer in a list", { iss: [claims.iss] }],
      ["no audience", { aud: undefined }],
      ["our audience in a list", { aud: [claims.aud] }],
      ["ours and another audience", { aud: [claims.aud, "client_x"] }],
      ["another client_id", { client_id: "client_x" }],
      ["no client_id", { client_id: undefined }],
      ["a client of no name", { aud: "", client_id: "" }],
      ["a prototype's name as client", { aud: "__proto__", client_id: "__proto__" }],
      ["an operator as client", { aud: { $ne: null }, client_id: { $ne: null } }],
      ["an operator as session", { sid: { $ne: null } }],
      ["an operator as id", { jti: { $ne: null } }],
      ["an operator as user", { sub: { $gt: "" } }],
      ["a list as session", { sid: [claims.sid] }],
      ["no session", { sid: undefined }],
      ["no id", { jti: undefined }],
      ["no user", { sub: undefined }],
      ["no issue time", { iat: undefined }],
      ["no expiry", { exp: undefined }],
      ["an expiry that is text", { exp: String(claims.exp) }],
      ["an expiry that is null", { exp: null }],
      ["ended", { exp: now - 1 }, "token_expired"],
      ["ends now", { exp: now }, "token_expired"],
      ["not valid yet", { nbf: now + 60 }],
      ["not valid yet, as text", { nbf: "never" }],
      ["issued in an hour", { iat: now + 3600 }],
      ["issued in the far future", { iat: 1e18 }],
      ["no version", { v: undefined }, "invalid_token_version"],
      ["another version", { v: "2" }, "invalid_token_version"],
      ["a version that is a number", { v: 1 }, "invalid_token_version"],
      ["another user", { sub: "user_other" }, "token_not_found"],
      ["another session", { sid: "session_other" }, "token_not_found"],
      ["another record", { jti: "acstok_other" }, "token_not_found"],
    ];
    for (const [name, change, reason = "invalid_token"] of wrong)
      await refused(name, forge(header, { ...claims, ...change }, ours), `^${reason}$`);
  });

  test("refuses Nest's other kinds of token, and payloads that are not claims", async () => {
    for (const typ of [
      "JWT",
      "jwt",
      "entitlement+jwt",
      "id+jwt",
      "at+jwt+x",
      "",
      null,
      ["at+jwt"],
      undefined,
    ])
      await refused(`typ ${JSON.stringify(typ)}`, forge({ ...header, typ }, claims, ours));
    for (const payload of ["", "foo", "null", "[]", "1", '"text"', "{", JSON.stringify([claims])])
      await refused(`payload ${payload.slice(0, 9)}`, forge(header, payload, ours));
    for (const bad of ["", "x", "null", "[]", '{"alg":"ES256"', JSON.stringify([header])])
      await refused(`header ${bad.slice(0, 9)}`, forge(bad, claims, ours));
  });

  test("refuses JSON, nested, encrypted, detached and empty serializations", async () => {
    const [protectedHeader, payload, signature] = tokens.access_token.split(".");
    const flattened = JSON.stringify({ protected: protectedHeader, payload, signature });
    const whole = [
      flattened,
      JSON.stringify({ payload, signatures: [{ protected: protectedHeader, signature }] }),
      forge({ ...header, cty: "JWT" }, tokens.access_token, ours),
      `${tokens.access_token}.AAAA.AAAA`,
      `${protectedHeader}..${signature}`,
      "..",
      ".",
      tokens.access_token.repeat(2),
      "a".repeat(1_000_000),
    ];
    for (const [index, token] of whole.entries()) await refused(`form ${index}`, token, /_token$/);
  });

  test("logs the reason of each refusal, without the unverified user id", () => {
    const refusals = nest.logged("call").filter(({ code }) => code === "unauthorized");
    const reasons = new Set(refusals.map(({ reason }) => reason));
    for (const reason of ["invalid_token", "token_expired", "token_not_found", "invalid_token_version"])
      expect(reasons).toContain(reason);
    const claimed = refusals.filter(({ reason }) => reason !== "token_not_found");
    expect(new Set(claimed.map(({ user_id }) => user_id))).toEqual(new Set([null]));
  });

  test("writes nothing, and the valid token still works", async () => {
    expect(await nest.dump()).toBe(before);
    expect((await call(tokens.access_token)).status).toBe(200);
    expect(asked).toEqual([]);
  });
});
