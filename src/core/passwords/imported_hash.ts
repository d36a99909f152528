import { type BinaryLike, pbkdf2, scrypt, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import { verify } from "@node-rs/argon2";
import { compare } from "bcryptjs";

/**
 * Password hashes of other systems, as PHC strings, and those of bcrypt. `nest db import` stores them; the next sign-in with the
 * correct password replaces them. A hash whose comparison would take much longer, or more memory, than one of Nest's own is
 * not accepted, because each attempt to guess a password computes it.
 */
const MOST = {
  argon2: { memoryKib: 131_072, passes: 10, threads: 8 },
  bcryptCost: 13,
  pbkdf2Iterations: 2_000_000,
  scryptBytes: 128 * 1024 * 1024,
  scryptThreads: 4,
};

interface Scheme {
  /** Whether the text has the form of the scheme, with parameters within the bounds. */
  accepts(hash: string): boolean;
  matches(password: string, hash: string): Promise<boolean>;
}

/** Salts and hashes have at most 64 bytes. A longer hash of PBKDF2 would be computed block by block. */
const ARGON2 =
  /^\$argon2(?:i|d|id)\$v=19\$m=([1-9]\d*),t=([1-9]\d*),p=([1-9]\d*)\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/;
const BCRYPT = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;
const SCRYPT = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d)\$([A-Za-z0-9+/]{1,86})\$([A-Za-z0-9+/]{22,86})$/;
const PBKDF2 =
  /^\$pbkdf2-(sha1|sha256|sha512)\$(?:i=)?(\d{1,7})(?:,l=\d+)?\$([A-Za-z0-9+/.]{1,86})\$([A-Za-z0-9+/.]{22,86})$/;
/** The bytes of one block of PBKDF2. */
const BLOCK_BYTES: Readonly<Record<string, number>> = { sha1: 20, sha256: 32, sha512: 64 };
/** The least memory of Argon2 for each of its threads (RFC 9106, section 3.1). */
const ARGON2_KIB_PER_THREAD = 8;

const derive = {
  scrypt: promisify<BinaryLike, BinaryLike, number, object, Buffer>(scrypt),
  pbkdf2: promisify(pbkdf2),
};

const SCHEMES: readonly Scheme[] = [
  {
    accepts(hash) {
      const [, memory, passes, threads, ...encoded] = ARGON2.exec(hash) ?? [];
      const { argon2 } = MOST;
      return (
        within(Number(threads), argon2.threads) &&
        within(Number(memory), argon2.memoryKib, ARGON2_KIB_PER_THREAD * Number(threads)) &&
        within(Number(passes), argon2.passes) &&
        encoded.every(isCanonical)
      );
    },
    matches: (password, hash) => verify(hash, password),
  },
  {
    accepts: (hash) => within(Number(BCRYPT.exec(hash)?.[1]), MOST.bcryptCost, 4),
    // PHP writes `$2y$` for what others call `$2b$`.
    matches: (password, hash) => compare(password, hash.replace(/^\$2y/, "$2b")),
  },
  {
    accepts(hash) {
      const cost = scryptCost(hash);
      if (cost === null) return false;
      const { N, r, p, maxmem } = cost;
      // RFC 7914, section 6: OpenSSL refuses a greater N.
      return N < 2 ** (16 * r) && maxmem <= MOST.scryptBytes && within(p, MOST.scryptThreads);
    },
    async matches(password, hash) {
      const [, , , , salt = "", key = ""] = SCRYPT.exec(hash) ?? [];
      const expected = bytesOf(key);
      return timingSafeEqual(
        await derive.scrypt(password, bytesOf(salt), expected.length, scryptCost(hash) ?? {}),
        expected,
      );
    },
  },
  {
    accepts(hash) {
      const [, digest = "", iterations, , key = ""] = PBKDF2.exec(hash) ?? [];
      const blocks = Math.ceil(bytesOf(key).length / (BLOCK_BYTES[digest] ?? 1));
      return within(Number(iterations) * blocks, MOST.pbkdf2Iterations);
    },
    async matches(password, hash) {
      const [, digest = "", iterations, salt = "", key = ""] = PBKDF2.exec(hash) ?? [];
      const expected = bytesOf(key);
      return timingSafeEqual(
        await derive.pbkdf2(password, bytesOf(salt), Number(iterations), expected.length, digest),
        expected,
      );
    },
  },
];

/** Whether a hash of another system can be stored and compared. */
export function isImportable(hash: string): boolean {
  return SCHEMES.some((scheme) => scheme.accepts(hash));
}

/**
 * Compares a presented password with a hash of another system. That system hashed the password as it was typed, or its
 * NFKC form.
 * @param hash one that `isImportable` accepts
 */
export async function matchesImported(password: string, hash: string): Promise<boolean> {
  const scheme = SCHEMES.find(({ accepts }) => accepts(hash));
  if (!scheme) return false;
  if (await scheme.matches(password, hash)) return true;
  const normalized = password.normalize("NFKC");
  return normalized !== password && scheme.matches(normalized, hash);
}

const within = (value: number | undefined, most: number, least = 1) =>
  value !== undefined && value >= least && value <= most;

/** @returns null if the text is no hash of scrypt */
function scryptCost(hash: string): { N: number; r: number; p: number; maxmem: number } | null {
  const [, ln, r, p] = SCRYPT.exec(hash)?.map(Number) ?? [];
  if (!ln || !r || !p || ln > 30) return null;
  const N = 2 ** ln;
  // What OpenSSL allocates: the vector, the blocks, and some space for itself.
  return { N, r, p, maxmem: 128 * r * (N + p + 2) };
}

/** Whether a text is base64 without padding in its only form. The library for Argon2 fails with another one. */
const isCanonical = (text: string) =>
  Buffer.from(text, "base64").toString("base64").replace(/=+$/, "") === text;

/** Base64 without padding. Passlib writes `.` for `+`. */
const bytesOf = (text: string) => Buffer.from(text.replaceAll(".", "+"), "base64");
