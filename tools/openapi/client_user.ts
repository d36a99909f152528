/**
 * What the typed client does with the field `user_id` of a method. `filled`: the client fills in the signed-in user.
 * `required`: the caller must name the user, also where the API does not require it. `as_sent`: the client adds nothing.
 */
export type UserIdRule = "filled" | "required" | "as_sent";

/**
 * A decision for each method of the typed client with a `user_id`. A method may only be `filled` if it cannot act on another
 * user, if it reads, or if a release of the client filled it in. Every other method changes the user that it names, and an
 * administrator who forgets the field would change themselves.
 */
export const USER_ID_RULES: Readonly<Record<string, UserIdRule>> = {
  delete_user: "required",
  get_billing_history: "required",
  get_marketing_consent: "filled",
  // The user is named by `address` or by `user_id`.
  get_sign_in_history: "as_sent",
  get_subscription_status: "filled",
  get_user: "filled",
  // Without `user_id`, the rows of an account or of everybody are listed.
  list_audit_logs: "as_sent",
  list_mfa_factors: "filled",
  list_oauth_identities: "filled",
  list_webhook_deliveries: "as_sent",
  list_sessions: "filled",
  remove_account_user: "required",
  // Most users remove their own. A factor of another user is not found without the field.
  remove_mfa_factor: "as_sent",
  revoke_all_sessions: "required",
  // Filled in since 0.1.0. A session of another user is not found.
  revoke_session: "filled",
  set_account_user_role: "required",
  set_marketing_consent: "filled",
  set_user_roles: "required",
  update_user: "required",
};

/** The rule of a method. A method without a decision is called with the fields that the caller sends. */
export const userIdRule = (method: string): UserIdRule => USER_ID_RULES[method] ?? "as_sent";
