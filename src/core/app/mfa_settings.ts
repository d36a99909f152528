/** Second factors: an authenticator app, a code by SMS, a code by mail, a passkey or security key. */
export const MFA_FACTORS = ["totp", "sms", "email", "webauthn"] as const;
export type MfaFactorType = (typeof MFA_FACTORS)[number];

/**
 * Which sign-ins need a second factor. `optional`: those of users who have one. `required_for_roles`: also those of users with a
 * platform role. `required`: all.
 */
export const MFA_POLICIES = ["optional", "required_for_roles", "required"] as const;
type MfaPolicy = (typeof MFA_POLICIES)[number];

/** Whose sign-ins with a client need a second factor, and the factors that users can add. */
export type MfaSettings = Readonly<{ policy: MfaPolicy; factors: readonly MfaFactorType[] }>;
