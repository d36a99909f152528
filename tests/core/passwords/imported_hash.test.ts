import { describe, expect, test } from "vitest";
import { isImportable, matchesImported } from "#core/passwords/imported_hash.ts";

const base64 = (hex: string) => Buffer.from(hex, "hex").toString("base64").replaceAll("=", "");
const text64 = (text: string) => Buffer.from(text).toString("base64").replaceAll("=", "");

const argon2 = (cost: string, salt: string, hash: string) => `$argon2id$v=19$${cost}$${salt}$${hash}`;

/** RFC 7914, section 12. */
const SCRYPT_KEY =
  "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887";
/** RFC 7914, section 11. */
const PBKDF2_KEY =
  "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783";

const HASHES: [scheme: string, password: string, hash: string][] = [
  [
    "argon2id",
    "password",
    "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
  ],
  ["bcrypt", "abc", "$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i"],
  ["bcrypt of PHP", "abc", "$2y$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i"],
  ["scrypt", "pleaseletmein", `$scrypt$ln=14,r=8,p=1$${text64("SodiumChloride")}$${base64(SCRYPT_KEY)}`],
  ["PBKDF2", "passwd", `$pbkdf2-sha256$i=1,l=64$${text64("salt")}$${base64(PBKDF2_KEY)}`],
  [
    "PBKDF2 as Passlib writes it",
    "passwd",
    `$pbkdf2-sha256$1$${text64("salt")}$${base64(PBKDF2_KEY).replaceAll("+", ".")}`,
  ],
];

describe("a hash of another system", () => {
  test.each(HASHES)("of %s matches its password only", async (_scheme, password, hash) => {
    expect(isImportable(hash)).toBe(true);
    expect(await matchesImported(password, hash)).toBe(true);
    expect(await matchesImported(`${password} `, hash)).toBe(false);
    expect(await matchesImported("", hash)).toBe(false);
  });

  test("matches a password whose NFKC form was hashed", async () => {
    const [, , hash = ""] = HASHES[1] ?? [];
    expect(await matchesImported("\uFF41bc", hash)).toBe(true);
  });

  test.each([
    ["is no hash", "hunter2"],
    ["is empty", ""],
    ["is that of MD5", "$1$abc$0123456789012345678901"],
    ["costs too many iterations", `$pbkdf2-sha256$9000000$${text64("salt")}$${base64(PBKDF2_KEY)}`],
    ["costs a bcrypt of 14", "$2a$14$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i"],
    ["costs 4 GiB of scrypt", `$scrypt$ln=22,r=8,p=1$${text64("salt")}$${base64(SCRYPT_KEY)}`],
    [
      "costs 4 GiB of argon2",
      "$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
    ],
    [
      "costs 2,000,000 iterations for each of 15 blocks",
      `$pbkdf2-sha1$2000000$${text64("salt")}$${"A".repeat(400)}`,
    ],
    [
      "costs 2,000,000 iterations for each of 4 blocks",
      `$pbkdf2-sha1$2000000$${text64("salt")}$${"A".repeat(86)}`,
    ],
    ["has a hash of 1.5 MB", `$scrypt$ln=10,r=8,p=1$${text64("salt")}$${"A".repeat(2_000_000)}`],
    [
      "has more steps of scrypt than OpenSSL allows",
      `$scrypt$ln=16,r=1,p=1$${text64("salt")}$${"A".repeat(43)}`,
    ],
    ["has less memory than Argon2 needs", argon2("m=63,t=1,p=8", "c29tZXNhbHQ", "A".repeat(43))],
    ["has a parameter with a leading zero", argon2("m=0064,t=1,p=1", "c29tZXNhbHQ", "A".repeat(43))],
    ["has a salt that is no base64", argon2("m=64,t=1,p=1", "c29tZXNhbHQAA", "A".repeat(43))],
    ["has a hash that is no base64", argon2("m=64,t=1,p=1", "c29tZXNhbHQ", "A".repeat(45))],
    ["has no version", "$argon2id$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"],
  ])("can't be imported if it %s", async (_why, hash) => {
    expect(isImportable(hash)).toBe(false);
    expect(await matchesImported("abc", hash)).toBe(false);
  });
});
