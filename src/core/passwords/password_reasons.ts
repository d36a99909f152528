/** The reasons in `reasons` of `password_not_acceptable`. */
export const PASSWORD_REASONS = ["too_short", "too_long", "breached", "contextual"] as const;
export type PasswordReason = (typeof PASSWORD_REASONS)[number];
