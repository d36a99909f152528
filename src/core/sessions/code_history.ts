import {
  ATTEMPTS_LIMIT,
  type Verification,
  type VerificationPurpose,
} from "#core/repositories/verifications.ts";
import { disabledNote, type KnownOfUser } from "#core/sessions/disabled_history.ts";

/** What happened to a code, for programs. */
export type CodeEventCode =
  | "code_requested"
  | "code_redeemed"
  | "code_replaced"
  | "code_expired"
  | "code_presented"
  | "code_attempts_used_up";

interface CodeEvent {
  code: CodeEventCode;
  at: string;
  about: string;
  what: string;
  /** The signed-in user who asked for the message, to verify an address of their own. */
  userId?: string;
}

const PURPOSES: Readonly<Partial<Record<VerificationPurpose, string>>> = {
  sign_in: "to sign in",
  register: "to sign up",
  verify_identifier: "to verify an address or a phone number",
  reset_password: "to set a new password",
};

/** Messages that nobody asks for at a sign-in. Their links need not be used. */
const SENT: Readonly<Partial<Record<VerificationPurpose, string>>> = {
  disown: "was sent a message about a new device, with a link to end its session",
  invite: "was sent an invitation to an account",
};

/** Lists what happened to a code that was sent to one of the user's identifiers. */
export function codeEvents(
  verification: Verification,
  { now, refusals, disabledAt }: KnownOfUser,
): CodeEvent[] {
  const { _id: about, createdAt, expiresAt, usedAt, revokedAt, attempts, purpose, userId } = verification;
  const asked = `requested a message ${PURPOSES[purpose] ?? `for ${purpose}`}`;
  const began = SENT[purpose] ?? `${asked}${disabledNote(createdAt, disabledAt)}`;
  const event = (code: CodeEventCode, at: string, what: string): CodeEvent => ({ code, at, about, what });
  const isOwn = purpose === "verify_identifier" && userId !== undefined;
  const events = [{ ...event("code_requested", createdAt, began), ...(isOwn && { userId }) }];
  if (usedAt) events.push(event("code_redeemed", usedAt, "redeemed the code or the link of the message"));
  // A change of the user ends all messages, those that were redeemed before too.
  if (revokedAt && !usedAt)
    events.push(
      event(
        "code_replaced",
        revokedAt,
        "a later message, or a change of address or password, replaced the message",
      ),
    );
  // A correct code of a disabled user is an attempt, and a row of the audit log.
  const refused = refusals.filter((one) => one.of === about).length;
  const wrong = attempts - refused - (usedAt ? 1 : 0);
  // Attempts have no time of their own.
  const at = usedAt ?? revokedAt ?? createdAt;
  if (wrong >= ATTEMPTS_LIMIT)
    events.push(
      event(
        "code_attempts_used_up",
        at,
        `${ATTEMPTS_LIMIT} wrong codes were presented; no other is accepted`,
      ),
    );
  else if (wrong > 0) events.push(event("code_presented", at, `wrong codes were presented: ${wrong}`));
  // A correct code that was refused has an event of its own.
  if (!usedAt && !revokedAt && refused === 0 && expiresAt <= now && !(purpose in SENT))
    events.push(event("code_expired", expiresAt, "the message expired unused"));
  return events;
}
