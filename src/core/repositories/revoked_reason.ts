/** `address_proved`: the owner of the address proved it, and the session had started without such a proof. */
export type RevokedReason =
  | "signed_out"
  | "revoked_by_user"
  | "revoked_by_operator"
  | "refresh_token_reuse"
  | "address_proved"
  | "disowned"
  | "password_reset"
  | "password_set"
  | "mfa_changed"
  | "user_disabled"
  | "removed_from_account"
  | "user_deleted";
