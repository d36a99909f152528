import { authorizationCode } from "#core/sign_in/grants/authorization_code.ts";
import { refreshToken } from "#core/sign_in/grants/refresh_token.ts";

/** The grants of `authenticate_user`, by `grant_type`. Error messages and docs list them in this order. */
export const grants = {
  [refreshToken.grantType]: refreshToken,
  [authorizationCode.grantType]: authorizationCode,
};

/** `grant_type` values. */
export const GRANT_TYPES = [refreshToken.grantType, authorizationCode.grantType] as const;

/** The request parameters of all grants; each grant requires its own. */
export const grantParameters = { ...authorizationCode.parameters, ...refreshToken.parameters };
