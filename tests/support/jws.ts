import { createPrivateKey, sign } from "node:crypto";
import type { StoredKey } from "#core/keys/signing_keys.ts";

/** Part of a compact JWS: text as it is, anything else as JSON. */
const encode = (part: unknown) =>
  Buffer.from(typeof part === "string" ? part : JSON.stringify(part)).toString("base64url");

const decode = (part: string) => JSON.parse(Buffer.from(part, "base64url").toString());

/** A token taken apart. */
export function readJws(jws: string) {
  const [header = "", payload = "", signature = ""] = jws.split(".");
  return { header: decode(header), claims: decode(payload), input: `${header}.${payload}`, signature };
}

/** ES256 over anything: no library stands between a forger and the bytes. */
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
 * A compact JWS with whatever header and payload, signed as told.
 * @param signer makes the signature of `header.payload`; a stored key signs ES256
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
