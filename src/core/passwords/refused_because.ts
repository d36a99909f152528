import { acceptablePassword } from "#core/passwords/acceptable_password.ts";
import type { Owner } from "#core/repositories/identifier_owner.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import { FAILED_PASSWORDS_LIMIT, type RefusedBecause } from "#core/repositories/refused_because.ts";
import { mayNotSignIn } from "#core/sessions/session_state.ts";

/** An identifier with its user and password. */
export type PasswordOwner = Owner & { identifier: Identifier };

/**
 * Why a presented password is refused, without I/O.
 * @param found the identifier with its user and password, as read before the password was counted; null: nobody has it
 */
export function refusedBecause(found: PasswordOwner | null): RefusedBecause {
  if (found === null) return "none";
  if (mayNotSignIn(found.user)) return "disabled";
  const password = acceptablePassword(found.identifier, found.password);
  if (password === null) return "none";
  return password.failedCount >= FAILED_PASSWORDS_LIMIT ? "locked" : "wrong";
}
