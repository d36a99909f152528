import type { RevokedReason } from "#core/repositories/revoked_reason.ts";

/** Why a session was revoked, in words for support staff. They complete "the session was revoked:". */
export const REVOKED_BECAUSE: Readonly<Record<RevokedReason, string>> = {
  signed_out: "the user signed out on this device",
  password_reset: "the user set a new password with a link or a code",
  password_set: "the user set another password",
  mfa_changed: "a second factor of the user was added or removed",
  revoked_by_user: "the user revoked it from another session",
  revoked_by_operator: "an administrator ended it",
  user_deleted: "the user was deleted",
  user_disabled: "the user was disabled",
  removed_from_account: "the user was removed from the account in which it acted",
  address_proved: "it had started before the owner of the address proved it",
  disowned: "the user said that it was not theirs, by the link in the mail about a new device",
  refresh_token_reuse:
    "a refresh token was used again after its successor was in use, so the token may have been copied",
};
