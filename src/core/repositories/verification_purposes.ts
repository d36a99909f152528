/** What a verification is for. A secret that was created for one purpose is not accepted for another. */
export const VERIFICATION_PURPOSES = [
  "sign_in",
  "register",
  "verify_identifier",
  "reset_password",
  "mfa",
  "mfa_enrol",
  "invite",
  "disown",
] as const;
export type VerificationPurpose = (typeof VERIFICATION_PURPOSES)[number];
