import { createPrivateKey, sign } from "node:crypto";
import type { StoredKey } from "#core/keys/signing_keys.ts";

/** Encodes a part of a compact JWS: text unchanged, any other value as JSON. */
const encode = (part: unknown) =>
  Buffer.from(typeof part === "string" ? part : JSON.stringify(part)).toString("base64url");

const decode = (part: string) => JSON.parse(Buffer.from(part, "base64url").toString());

/** The parts of a compact JWS. */
export function readJws(jws: string) {
  const [header = "", payload = "", signature = ""] = jws.split(".");
  return { header: decode(header), claims: decode(payload), input: `${header}.${payload}`, signature };
}

/** An ES256 signature over any bytes, without the checks of a JWT library. */
export function signEs256(
  key: StoredKey,
  input: string,
  dsaEncoding: "ieee-p1363" | "der" = "ieee-p1363",
): Buffer {
  const jwk = { kty: key.kty, crv: key.crv, x: key.x, y: key.y, d: key.d };
  return sign("sha256", Buffer.from(input), {
    key: createPrivateKey({ key: jwk, format: "jwk" }),
    dsaEncoding,
  });
}

/**
 * A compact JWS with any header and payload.
 * @param signer a key for an ES256 signature, or a function that signs `header.payload`
 */
export function forge(
  header: unknown,
  payload: unknown,
  signer: StoredKey | ((input: string) => Buffer),
): string {
  const input = `${encode(header)}.${encode(payload)}`;
  const signature = typeof signer === "function" ? signer(input) : signEs256(signer, input);
  return `${input}.${signature.toString("base64url")}`;
}
