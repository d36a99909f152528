import { optional, type output } from "zod/mini";
import type { Call } from "#core/call.ts";
import { NestError } from "#core/errors.ts";
import { isVisitSecret } from "#core/oauth/visit_outcome.ts";
import type { TokenPair } from "#core/sessions/issue_session.ts";
import { authorizationCode, readCode } from "#core/sign_in/grants/authorization_code.ts";
import { signInWithVisit, type VisitGrantCore } from "#core/sign_in/oauth/visit_sign_in.ts";
import { redeemUserCode, type UserCodeCore } from "#core/sign_in/user_code.ts";
import { codeDevice } from "#core/verifications/code_device.ts";
import { text } from "#core/wire.ts";

type LinkRequest = Parameters<typeof authorizationCode.redeem>[1];

interface CodeRequest extends LinkRequest {
  nonce?: string | undefined;
  user_code?: string | undefined;
  device?: output<typeof codeDevice> | undefined;
}

/**
 * The code of a magic link, the code after a visit at an OAuth provider, or the code that a person typed from its mail, with the nonce of
 * `send_magic_link`.
 */
export const authorizationCodeOf2026 = {
  grantType: authorizationCode.grantType,
  parameters: {
    ...authorizationCode.parameters,
    nonce: optional(text()),
    user_code: optional(text()),
    device: optional(codeDevice),
    account_id: optional(text()),
  },
  redeem,
} as const;

/**
 * @throws NestError nonce_missing, verification_not_found, account_not_found; every error of `authorizationCode`, whose request has `code`
 */
async function redeem(
  core: UserCodeCore & VisitGrantCore,
  request: CodeRequest,
  call: Call,
): Promise<TokenPair> {
  const { user_code: userCode, nonce } = request;
  if (isVisitSecret(request.code?.split(".")[1] ?? ""))
    return signInWithVisit(core, readCode(request), { accountId: request.account_id, call });
  if (request.code !== undefined || userCode === undefined)
    return authorizationCode.redeem(core, request, call);
  if (nonce === undefined) throw new NestError("nonce_missing");
  if (request.code_verifier === undefined) throw new NestError("code_verifier_missing");
  if (request.redirect_uri === undefined) throw new NestError("redirect_uri_missing");
  const proof = { codeVerifier: request.code_verifier, redirectUri: request.redirect_uri };
  const beakId = request.device?.beak_id ?? null;
  const asked = { clientId: request.client_id, accountId: request.account_id, nonce, userCode, beakId };
  return redeemUserCode(core, { ...asked, ...proof }, call);
}
