import { createHash } from "node:crypto";
import KSUID from "ksuid";
import { isImportable } from "#core/passwords/imported_hash.ts";
import { type Address, parseAddress } from "#core/users/address.ts";
import { type Fields, fieldName, quote } from "#tools/operator/import_users/read_rows.ts";

/** A user to import. The same row of a source always has the same ids, so that an import can be repeated. */
export interface ImportedUser {
  /** The id in the source; null if the file has none. */
  sourceId: string | null;
  userId: string;
  address: Address;
  createdAt: string | null;
  verifiedAt: string | null;
  /** The hash of the password as the source made it (`isImportable`); null if the file has none. */
  passwordHash: string | null;
  /** Why the password of the file can't be imported, in words that follow "the password"; null if there is no such reason. */
  passwordProblem: string | null;
}

/** How a file of one system is read. Names are those of `fieldName`, except `verified`. */
interface Source {
  /** The fields of which the first that is set is the id. */
  id: readonly string[];
  /** The field that says whether the source verified the address, true or false, or the time. Named as in the file. */
  verified: string;
  createdAt: string;
  /** The field with the hash of the password. */
  password: string;
  /** Writes the source's own form of a hash as a PHC string. */
  phcOf?: (hash: string) => string;
  /** Fields with which a user is left out if they are true or a time, and the reason. */
  leftOut: Readonly<Record<string, string>>;
  /** A field with the time until which a user is banned. */
  bannedUntil?: string;
  /** The source writes `'` before each text in CSV, so that spreadsheets compute nothing. */
  hasQuotedTexts?: true;
}

const BANNED = "is blocked there, and Nest has no such state";

/** The systems that users can be imported from. */
export const SOURCES = {
  "better-auth": {
    id: ["id"],
    verified: "emailVerified",
    createdAt: "createdat",
    password: "password",
    phcOf: phcOfBetterAuth,
    leftOut: { isanonymous: "is anonymous", banned: BANNED },
  },
  supabase: {
    id: ["id"],
    verified: "email_confirmed_at",
    createdAt: "createdat",
    password: "encryptedpassword",
    leftOut: { isanonymous: "is anonymous", deletedat: "was deleted there" },
    bannedUntil: "banneduntil",
  },
  auth0: {
    id: ["userid", "id"],
    verified: "email_verified",
    createdAt: "createdat",
    password: "passwordhash",
    leftOut: { blocked: BANNED },
    hasQuotedTexts: true,
  },
  csv: {
    id: ["id"],
    verified: "email_verified",
    createdAt: "createdat",
    password: "passwordhash",
    leftOut: {},
  },
} satisfies Record<string, Source>;

export type SourceName = keyof typeof SOURCES;

/** The columns without which no user of a source can be imported, as the source names them. */
export const requiredColumns = (name: SourceName): string[] => ["email", SOURCES[name].verified];

/** Ids contain a time, which begins here. */
const FIRST_ID_TIME_MS = 1_400_000_000_000;

/**
 * Reads a user from the fields of a row.
 * @returns the user, or the reason why it is left out, in words that follow "the user"
 */
export function readUser(name: SourceName, fields: Fields, now: Date): ImportedUser | { problem: string } {
  const source: Source = SOURCES[name];
  const text = (field: string) => textOf(fields.get(field), source.hasQuotedTexts === true);
  for (const [field, reason] of Object.entries(source.leftOut))
    if (isSet(text(field))) return { problem: reason };
  const today = now.toISOString();
  const bannedUntil = source.bannedUntil ? text(source.bannedUntil) : "";
  // PostgreSQL prints `infinity`, which is no time.
  if (isSet(bannedUntil) && (timeOf(bannedUntil) ?? "infinity") > today) return { problem: BANNED };
  const typed = text("email");
  if (typed === "") return { problem: "has no email address" };
  const address = addressOf(typed);
  if (address === null) return { problem: `has an invalid email address: ${quote(typed)}` };
  const verifiedField = fieldName(source.verified);
  if (!fields.has(verifiedField)) return { problem: `has no field ${source.verified}` };
  const verified = text(verifiedField);
  if (!isSet(verified)) return { problem: "has not verified the address" };
  const verifiedAt = timeOf(verified);
  if (verifiedAt === null && !YES.includes(verified.toLowerCase()))
    return { problem: `has an unknown value in ${source.verified}: ${quote(verified)}` };
  const created = text(source.createdAt);
  const createdAt = timeOf(created);
  if (created !== "" && (createdAt === null || createdAt > today))
    return { problem: `was created at an unknown time: ${quote(created)}` };
  const sourceId = source.id.map(text).find((id) => id !== "") ?? null;
  return {
    sourceId,
    userId: userIdOf(`${name} ${sourceId ?? address.identity}`, createdAt),
    address,
    createdAt,
    verifiedAt: verifiedAt !== null && verifiedAt <= today ? verifiedAt : createdAt,
    ...readPassword(text(source.password), source),
  };
}

function readPassword(
  hash: string,
  { phcOf = (same) => same }: Source,
): Pick<ImportedUser, "passwordHash" | "passwordProblem"> {
  if (hash === "") return { passwordHash: null, passwordProblem: null };
  const phc = phcOf(hash);
  if (isImportable(phc)) return { passwordHash: phc, passwordProblem: null };
  return { passwordHash: null, passwordProblem: "has a hash that Nest can't compare" };
}

/** better-auth writes `salt:key` in hex, and hashes the hex digits of the salt: scrypt with N = 16384, r = 16, p = 1. */
function phcOfBetterAuth(hash: string): string {
  const [, salt, key] = /^([0-9a-f]+):([0-9a-f]{128})$/.exec(hash) ?? [];
  if (salt === undefined || key === undefined) return hash;
  const base64 = (bytes: Buffer) => bytes.toString("base64").replaceAll("=", "");
  return `$scrypt$ln=14,r=16,p=1$${base64(Buffer.from(salt))}$${base64(Buffer.from(key, "hex"))}`;
}

/**
 * A value of CSV or JSON as text. MongoDB's exports wrap ids and times: `{"$oid": …}`, `{"$date": {"$numberLong": …}}`.
 * @param wraps how many objects may surround the value
 */
function textOf(value: unknown, isQuoted: boolean, wraps = 2): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "object")
    return wraps === 0 ? "" : textOf(Object.values(value)[0], isQuoted, wraps - 1);
  const text = String(value).trim();
  return isQuoted && text.startsWith("'") ? text.slice(1) : text;
}

/** Values that say that an address was verified. Any other text could mean the opposite, such as `pending`. */
const YES = ["1", "t", "true", "y", "yes", "on"];

const isSet = (text: string) => !["", "0", "f", "false", "no", "null"].includes(text.toLowerCase());

function addressOf(typed: string): Address | null {
  try {
    return parseAddress(typed);
  } catch {
    return null;
  }
}

/** Reads an ISO time, a time as PostgreSQL prints it, or seconds or milliseconds since 1970. @returns ISO, or null */
function timeOf(text: string): string | null {
  if (/^\d{9,10}$/.test(text)) return new Date(Number(text) * 1000).toISOString();
  if (/^\d{12,13}$/.test(text)) return new Date(Number(text)).toISOString();
  if (!/^\d{4}-\d\d-\d\d([ T]|$)/.test(text)) return null;
  // PostgreSQL: `2026-01-31 12:00:00.123456+00`. A time without a zone is in UTC.
  const [day, clock = "00:00"] = text.split(/[ T]/);
  const zoned = /(Z|[+-]\d\d(:?\d\d)?)$/.test(clock) ? clock.replace(/([+-]\d\d)$/, "$1:00") : `${clock}Z`;
  const time = new Date(`${day}T${zoned}`);
  return Number.isNaN(time.getTime()) ? null : time.toISOString();
}

/** Derives a user id, with the time at which the user was created in the source. */
function userIdOf(key: string, createdAt: string | null): string {
  const payload = createHash("sha256").update(key).digest().subarray(0, 16);
  const time = Math.max(createdAt === null ? 0 : Date.parse(createdAt), FIRST_ID_TIME_MS);
  return `user_${KSUID.fromParts(time, payload).string}`;
}
