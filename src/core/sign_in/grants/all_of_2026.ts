import { GRANT_TYPES, grantParameters, grants } from "#core/sign_in/grants/all.ts";
import { authorizationCodeOf2026 } from "#core/sign_in/grants/authorization_code_of_2026.ts";
import { mfa } from "#core/sign_in/grants/mfa.ts";
import { otp } from "#core/sign_in/grants/otp.ts";
import { password } from "#core/sign_in/grants/password.ts";
import { webauthn } from "#core/sign_in/grants/webauthn.ts";

/** The grants of `authenticate_user` since 2026-12-01. A file of its own, so that earlier versions do not bundle them. */
export const grantsOf2026 = {
  ...grants,
  [authorizationCodeOf2026.grantType]: authorizationCodeOf2026,
  [otp.grantType]: otp,
  [password.grantType]: password,
  [mfa.grantType]: mfa,
  [webauthn.grantType]: webauthn,
};

/** `grant_type` values since 2026-12-01. */
export const GRANT_TYPES_OF_2026 = [
  ...GRANT_TYPES,
  otp.grantType,
  password.grantType,
  mfa.grantType,
  webauthn.grantType,
] as const;

/** The request parameters of the grants since 2026-12-01. */
export const grantParametersOf2026 = {
  ...grantParameters,
  ...authorizationCodeOf2026.parameters,
  ...otp.parameters,
  ...password.parameters,
  ...mfa.parameters,
  ...webauthn.parameters,
};
