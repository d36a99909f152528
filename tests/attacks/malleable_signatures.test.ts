import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { StoredKey } from "#core/keys/signing_keys.ts";
import { readJws, signEs256 } from "#tests/support/jws.ts";
import { MAC, startNest, type TestNest, type Tokens, V2 } from "#tests/support/nest.ts";

/** The group order of P-256 (NIST SP 800-186, section 3.2.1.3). */
const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const bytes = (number: bigint) => Buffer.from(number.toString(16).padStart(64, "0"), "hex");
const number = (part: Buffer) => BigInt(`0x${part.toString("hex")}`);

describe("signatures that are changed without the key", () => {
  let nest: TestNest;
  let tokens: Tokens;
  let input: string;
  let signature: string;
  let r: Buffer;
  let s: Buffer;

  beforeAll(async () => {
    nest = await startNest();
  });
  afterAll(() => nest.stop());
  beforeEach(async () => {
    tokens = await nest.signIn();
    ({ input, signature } = readJws(tokens.access_token));
    const raw = Buffer.from(signature, "base64url");
    r = raw.subarray(0, 32);
    s = raw.subarray(32);
  });

  const call = (text: string) =>
    nest.call(`${V2}get_user`, { user_id: tokens.user_id }, { bearer: `${input}.${text}` });
  const refused = async (name: string, text: string) => {
    const reply = await call(text);
    expect({ status: reply.status, code: reply.body.code }, name).toEqual({
      status: 401,
      code: "unauthorized",
    });
  };

  test("refuses r and s of zero, one, the group order and above, in any combination", async () => {
    const odd = [0n, 1n, N - 1n, N, N + 1n, 2n ** 256n - 1n];
    for (const left of odd) {
      for (const right of odd)
        await refused(`${left} ${right}`, Buffer.concat([bytes(left), bytes(right)]).toString("base64url"));
      await refused(`${left} s`, Buffer.concat([bytes(left), s]).toString("base64url"));
      await refused(`r ${left}`, Buffer.concat([r, bytes(left)]).toString("base64url"));
    }
  });

  test("refuses r and s that are swapped, shifted by the group order, or of another message", async () => {
    const other = readJws((await nest.signIn("other@example.com")).access_token).signature;
    await refused("another token's", other);
    await refused("s, r", Buffer.concat([s, r]).toString("base64url"));
    await refused("-r", Buffer.concat([bytes(N - number(r)), s]).toString("base64url"));
    for (let bit = 0; bit < 512; bit += 37) {
      const flipped = Buffer.concat([r, s]);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      await refused(`bit ${bit}`, flipped.toString("base64url"));
    }
  });

  test("refuses DER signatures, and raw signatures that are truncated, extended or doubled", async () => {
    const ours = nest.secrets.signingKeys.keys.find(({ state }) => state === "current") as StoredKey;
    const raw = Buffer.concat([r, s]);
    await refused("DER", signEs256(ours, input, "der").toString("base64url"));
    for (const length of [0, 1, 31, 32, 33, 63])
      await refused(`${length} bytes`, raw.subarray(0, length).toString("base64url"));
    for (const more of [Buffer.alloc(1), Buffer.alloc(64), raw])
      await refused(`${more.length} more`, Buffer.concat([raw, more]).toString("base64url"));
    await refused("a byte before", Buffer.concat([Buffer.alloc(1), raw]).toString("base64url"));
  });

  test("refuses base64url with padding, another alphabet, whitespace, trailing bits or percent signs (RFC 7515)", async () => {
    const last = ALPHABET.indexOf(signature.at(-1) ?? "");
    for (const spare of [1, 2, 3, 4, 8, 15])
      await refused(`spare bits ${spare}`, signature.slice(0, -1) + ALPHABET[last ^ spare]);
    const raw = Buffer.concat([r, s]);
    await refused("padded", `${signature}==`);
    await refused("padded, classic alphabet", raw.toString("base64"));
    await refused("hex", raw.toString("hex"));
    for (const odd of ["\t", "\n", "\r\n", "\f", "\u0000", "\u00a0", "%3D", "=", "!", "."]) {
      await refused(`${JSON.stringify(odd)} inside`, signature.slice(0, 40) + odd + signature.slice(40));
      await refused(`${JSON.stringify(odd)} behind`, signature + odd);
    }
  });

  test("accepts the high-s form as the same token, which is revoked with it", async () => {
    const twin = Buffer.concat([r, bytes(N - number(s))]).toString("base64url");
    expect(twin).not.toBe(signature);
    expect((await call(twin)).status).toBe(200);
    const { refresh_token } = tokens;
    expect((await nest.call(`${V2}revoke_token`, { client_id: MAC, refresh_token })).status).toBe(204);
    await refused("the twin", twin);
    await refused("the token", signature);
  });
});
