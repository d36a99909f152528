import { generateKeyPairSync, randomBytes } from "node:crypto";

const letters = (length: number) =>
  randomBytes(length * 2)
    .toString("base64")
    .replace(/[^A-Za-z0-9]/g, "")
    .slice(0, length);

/** A line with a new secret of each kind that Nest or its developers have. */
export function plantedSecrets(): Record<string, string> {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const jwk = privateKey.export({ format: "jwk" });
  return {
    signing_key: JSON.stringify({ ...jwk, state: "current" }),
    signing_key_pem: String(privateKey.export({ type: "pkcs8", format: "pem" })),
    refresh_key: JSON.stringify([{ id: "1", key: randomBytes(32).toString("hex") }]),
    stripe_key: `STRIPE_SECRET_KEY=sk_live_${letters(24)}`,
    stripe_restricted_key: `STRIPE_SECRET_KEY=rk_live_${letters(24)}`,
    stripe_webhook_secret: `STRIPE_WEBHOOK_SECRETS=whsec_${letters(32)}`,
    mongodb_password: `MONGODB_URI=mongodb+srv://nest:${letters(16)}@cluster0.mongodb.net/nest`,
    aws_key: `aws_access_key_id = AKIA${randomBase32(16)}`,
    rate_limit_key: `RATE_LIMIT_KEY="${randomBytes(32).toString("hex")}"`,
    access_token: `authorization: bearer ${[{ alg: "ES256", typ: "at+jwt" }, { sub: letters(20) }]
      .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
      .join(".")}.${randomBytes(64).toString("base64url")}`,
  };
}

function randomBase32(length: number): string {
  return [...randomBytes(length)].map((byte) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[byte & 31]).join("");
}
