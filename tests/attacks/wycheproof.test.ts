import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ConfigError, readConfig } from "#core/config.ts";
import { VerifyingKeys } from "#core/keys/keys_in_use.ts";
import { type StoredKey, signerVariables } from "#core/keys/signing_keys.ts";
import { issuer, oauthClients } from "#core/parts.ts";
import { verifyAccessToken } from "#core/sessions/access_token.ts";
import { openParts } from "#entry/open_parts.ts";
import { readJws } from "#tests/support/jws.ts";
import { startNest, type TestNest, V2 } from "#tests/support/nest.ts";
import { makeSecrets } from "#tools/local/secrets.ts";

type Jwk = Record<string, unknown>;
type Key = Jwk | { keys: Jwk[] };
interface Group {
  comment: string;
  public?: Key;
  private?: Key;
  tests: { tcId: number; comment: string; jws?: unknown; jwe?: unknown; result: "valid" | "invalid" }[];
}

const folder = new URL("./wycheproof/", import.meta.url);
const read = async (name: string): Promise<Group[]> =>
  JSON.parse(await readFile(new URL(`json_web_${name}_test.json`, folder), "utf8")).testGroups;
const groups = { signature: await read("signature"), crypto: await read("crypto"), key: await read("key") };

const keysOf = (key: Key | undefined): Jwk[] =>
  key && "keys" in key ? (key.keys as Jwk[]) : key ? [key] : [];
const named = (list: readonly Group[]) =>
  list.flatMap((group) =>
    group.tests.map((vector) => {
      const token = vector.jws ?? vector.jwe;
      return {
        name: `${group.comment} ${vector.tcId} ${vector.comment}`,
        token: typeof token === "string" ? token : JSON.stringify(token),
        isValid: vector.result === "valid",
      };
    }),
  );

/** The key of the ES256 vectors, as a stored signing key. All ES256 vectors have the same key. */
const dressed = (key: Jwk, state = "current"): StoredKey =>
  ({ ...key, state, created_at: "2026-01-01T00:00:00.000Z" }) as unknown as StoredKey;
const isEs256 = ({ public: key }: Group) => {
  const { alg, use } = (key ?? {}) as Jwk;
  return alg === "ES256" && use === "sig";
};
const es256 = [...groups.signature, ...groups.crypto].filter(isEs256);
const theKey = dressed(keysOf(es256[0]?.private)[0] ?? {});

describe("Wycheproof's vectors against a service with Wycheproof's signing key", () => {
  let nest: TestNest;
  beforeAll(async () => {
    nest = await startNest({ secrets: { ...(await makeSecrets()), signingKeys: { keys: [theKey] } } });
  });
  afterAll(() => nest.stop());
  const call = (user_id: string, bearer: string) =>
    nest.call(`${V2}get_user`, { user_id }, { headers: { authorization: `bearer ${bearer}` } });

  test("signs with that key and accepts its own tokens", async () => {
    const { user_id, access_token } = await nest.signIn();
    expect(readJws(access_token).header.kid).toBe("kid-ec-sign");
    expect((await call(user_id, access_token)).status).toBe(200);
  });

  test("refuses every vector of every algorithm as an access token, since none has claims", async () => {
    const vectors = named([...groups.signature, ...groups.crypto, ...groups.key]);
    expect(vectors.length).toBe(401 + 83 + 26);
    for (const { name, token } of vectors) {
      const reply = await call("user_x", token);
      expect({ status: reply.status, code: reply.body.code }, name).toEqual({
        status: 401,
        code: "unauthorized",
      });
    }
  });

  test("verifies exactly the valid ES256 signatures", async () => {
    const core = {
      ...openParts(nest.gateway, { issuer, oauthClients }),
      verifyingKeys: new VerifyingKeys({ keys: [theKey] }),
    };
    const vectors = named(es256);
    expect(vectors.filter(({ isValid }) => isValid).length).toBe(3);
    expect(vectors.length).toBeGreaterThan(50);
    for (const { name, token, isValid } of vectors) {
      const error = await verifyAccessToken(core, token).catch((refusal) => refusal);
      // Their payload is "foo". A token with a valid signature is refused in the next step, since the payload has no
      // claims.
      expect(error.cause?.code === "ERR_JWT_INVALID", name).toEqual(isValid);
    }
  });
});

describe("Wycheproof's keys as SIGNING_KEYS", () => {
  const configured = (keys: Jwk[]) => () => {
    const set = { keys: keys.map((key, index) => dressed(key, index === 0 ? "current" : "next")) };
    readConfig(signerVariables, { SIGNING_KEYS: JSON.stringify(set) });
  };

  test("accepts the key of the ES256 vectors, with and without its private part", () => {
    const [group] = es256;
    expect(configured(keysOf(group?.private))).not.toThrow();
    expect(configured(keysOf(group?.public))).not.toThrow();
  });

  const odd = [...groups.signature, ...groups.crypto, ...groups.key].filter((group) => !isEs256(group));
  const sets = odd.flatMap(({ comment, public: open, private: secret }) =>
    [open, secret].filter((key) => key !== undefined).map((key) => ({ comment, keys: keysOf(key) })),
  );
  test("refuses at start a key of another type, curve, use or algorithm, a point off the curve, and a duplicate key", () => {
    expect(sets.length).toBeGreaterThan(50);
    for (const { comment, keys } of sets) expect(configured(keys), comment).toThrow(ConfigError);
  });
});
