import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";

/** 32 random bytes as 64 hex characters: the secret half of a code or token. */
export function newSecret(): string {
  return randomBytes(32).toString("hex");
}

/** A random number from 0 to below 1. */
export function randomNumber(): number {
  return randomBytes(4).readUInt32BE() / 2 ** 32;
}

/** SHA-256 in hex: what is stored of a secret with 256 bits of entropy. */
export function hashSecret(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

/** Compares two strings in constant time. The time reveals only whether their lengths differ. */
export function constantTimeEqual(one: string, other: string): boolean {
  const left = Buffer.from(one);
  const right = Buffer.from(other);
  return left.length === right.length && timingSafeEqual(left, right);
}

/** Whether `secret` has the stored hash. */
export function matchesHash(secret: string, storedHash: string): boolean {
  return constantTimeEqual(hashSecret(secret), storedHash);
}

/** HMAC-SHA256 in hex, for keys of rate limits and derived secrets. */
export function hmacHex(key: string | Buffer, ...parts: (string | Buffer)[]): string {
  const hmac = createHmac("sha256", key);
  for (const part of parts) {
    // Lengths keep ("ab","c") and ("a","bc") apart.
    hmac.update(`${Buffer.byteLength(part)}:`).update(part);
  }
  return hmac.digest("hex");
}
