import { randomInt } from "node:crypto";
import { hashSecret } from "#core/secrets.ts";

/** How many codes a user gets. */
export const RECOVERY_CODES = 10;

/** Crockford's base32: without I, L, O and U. */
const CHARACTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/** 24 characters are 120 bits, so that a plain hash of a code can't be reversed. */
const GROUPS = 4;
const GROUP = 6;

/** New recovery codes, as the user gets them: in four groups. */
export const newRecoveryCodes = (): string[] => Array.from({ length: RECOVERY_CODES }, newCode);

function newCode(): string {
  const character = () => CHARACTERS.charAt(randomInt(CHARACTERS.length));
  const group = () => Array.from({ length: GROUP }, character).join("");
  return Array.from({ length: GROUPS }, group).join("-");
}

/** The hash of a recovery code as a person typed it. Letters that look like digits count as those (Crockford). */
export function hashRecoveryCode(typed: string): string {
  const plain = typed.toUpperCase().replace(/[\s\p{Pd}]+/gu, "");
  return hashSecret(plain.replace(/[IL]/g, "1").replace(/O/g, "0"));
}
