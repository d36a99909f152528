import type { App } from "#core/app/app.ts";
import { NestError } from "#core/errors.ts";
import { describeFailure, type Log } from "#core/log.ts";
import { isCommon } from "#core/passwords/common_passwords.ts";
import type { PasswordReason } from "#core/passwords/password_reasons.ts";
import { lengthOf, normalizePassword, PASSWORD_MAX_LENGTH } from "#core/passwords/password_text.ts";
import type { BreachedPasswords } from "#core/services/hibp.ts";

/** Shorter words, such as the name of an app with three letters, are part of too many passwords. */
const CONTEXT_WORD_LENGTH = 4;

/** Clients with a lower minimum exist on the local stack only. Their passwords are judged by their length alone. */
const CHECKED_FROM_LENGTH = 8;

export interface CheckCore {
  app: Pick<App, "name">;
  log: Log;
  breachedPasswords: BreachedPasswords;
}

/** A password that a user wants to set. */
export interface NewPassword {
  password: string;
  /** The email addresses and phone numbers of the user. */
  addresses: readonly string[];
}

/**
 * Judges a new password: its length, words that a guesser tries first, lists of common passwords, and Have I Been Pwned. If
 * the latter does not respond, the list that Nest ships decides alone.
 * @throws NestError password_not_acceptable, with every reason
 */
export async function checkPassword(
  core: CheckCore,
  { passwordMinLength }: { passwordMinLength: number },
  { password, addresses }: NewPassword,
): Promise<void> {
  const text = normalizePassword(password);
  if (text === null) throw notAcceptable(["too_long"]);
  const isChecked = passwordMinLength >= CHECKED_FROM_LENGTH;
  const found: PasswordReason[] = [
    ...(lengthOf(text) < passwordMinLength ? (["too_short"] as const) : []),
    ...(isChecked && hasContext(text, [core.app.name, ...addresses.map(nameIn)])
      ? (["contextual"] as const)
      : []),
    ...(isChecked && (await isCommon(text)) ? (["breached"] as const) : []),
  ];
  if (found.length > 0) throw notAcceptable(found, passwordMinLength);
  if (isChecked && (await isBreached(core, text))) throw notAcceptable(["breached"]);
}

/** The part of an address that names its owner, without a tag; all digits of a number. */
const nameIn = (address: string) => address.replace(/@.*$/s, "").replace(/^\+|(?<=.)\+.*$/gs, "");

/** Whether a password contains one of the words, in any case. */
function hasContext(password: string, words: readonly string[]): boolean {
  const folded = password.toLowerCase();
  return words.some((word) => lengthOf(word) >= CONTEXT_WORD_LENGTH && folded.includes(word.toLowerCase()));
}

async function isBreached({ breachedPasswords, log }: CheckCore, password: string): Promise<boolean> {
  try {
    return await breachedPasswords.contain(password);
  } catch (failure) {
    log.warn("breached_passwords_unreachable", describeFailure(failure));
    return false;
  }
}

function notAcceptable(found: readonly PasswordReason[], minimum?: number): NestError {
  const limits: Partial<Record<PasswordReason, Record<string, number> | undefined>> = {
    too_short: minimum === undefined ? undefined : { minimum },
    too_long: { maximum: PASSWORD_MAX_LENGTH },
  };
  const reasons = found.map((code) => {
    const meta = limits[code];
    return meta === undefined ? { code } : { code, meta };
  });
  return new NestError("password_not_acceptable", { reasons });
}
