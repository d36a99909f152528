/** After this many wrong passwords in a row, none is compared until the user resets it (NIST SP 800-63B-4, section 3.2.2). */
export const FAILED_PASSWORDS_LIMIT = 100;

/** Why a sign-in was refused: support staff read it, the caller never does. All but `disabled` are about a password. */
export type RefusedBecause = "wrong" | "locked" | "none" | "disabled";
