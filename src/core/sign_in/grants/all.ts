import { authorizationCode } from "#core/sign_in/grants/authorization_code.ts";
import { refreshToken } from "#core/sign_in/grants/refresh_token.ts";

/** The grants of `authenticate_user` since 2020-12-14, by `grant_type`. Error messages and docs list them in this order. */
export const grants = {
  [refreshToken.grantType]: refreshToken,
  [authorizationCode.grantType]: authorizationCode,
};

/** `grant_type` values since 2020-12-14. */
export const GRANT_TYPES = [refreshToken.grantType, authorizationCode.grantType] as const;

/** The request parameters of the grants since 2020-12-14; each grant requires its own. */
export const grantParameters = { ...authorizationCode.parameters, ...refreshToken.parameters };
