import { optional, string } from "zod/mini";
import type { CaptchaMethod } from "#core/app/captcha_settings.ts";
import type { Call } from "#core/call.ts";
import type { Captcha } from "#core/captcha/captcha.ts";
import type { OAuthClient } from "#core/clients/oauth_clients.ts";
import type { Core } from "#core/core.ts";
import { type ErrorCode, NestError } from "#core/errors.ts";

/** The longest token that any vendor makes, in characters. A longer one is not sent to the vendor. */
const TOKEN_LIMIT = 2048;

/** The parameter of methods that can require a CAPTCHA. Its length is judged with the token, as `captcha_failed`. */
export const captchaToken = optional(string());

/** The errors of methods that can require a CAPTCHA. */
export const CAPTCHA_ERRORS = [
  "captcha_required",
  "captcha_failed",
  "captcha_unavailable",
] as const satisfies readonly ErrorCode[];

/** A call that may require a CAPTCHA. */
interface Attempt {
  /** The name of the method, which the token's action must equal where the vendor has actions. */
  method: CaptchaMethod;
  token: string | undefined;
}

/**
 * Requires a valid CAPTCHA token if the client's app file names the method in `captcha.requiredFor`. Call it before anything
 * is stored, sent or compared. A token works once, so a repeated call needs a new one; a token that nobody requires is ignored.
 * @throws NestError captcha_required without a token; captcha_failed for a token that the vendor refuses, or one of another
 *   page, action or a low score; captcha_unavailable if the vendor can't be asked: nothing is allowed then
 */
export async function requireCaptcha(
  core: Pick<Core, "log"> & { captcha: Captcha },
  { id, captcha: settings }: Pick<OAuthClient, "id" | "captcha">,
  { method, token }: Attempt,
  { requestId }: Pick<Call, "requestId">,
): Promise<void> {
  if (!settings?.requiredFor.includes(method)) return;
  const { provider } = settings;
  if (!token) throw new NestError("captcha_required", { meta: { provider } });
  if (token.length > TOKEN_LIMIT) throw new NestError("captcha_failed", { detail: "token_too_long" });
  const challenge = { settings, secretRef: settings.secretRef ?? id, action: method };
  const verdict = await core.captcha.verify(token, challenge);
  if (verdict.outcome === "passed") return;
  if (verdict.outcome === "failed") throw new NestError("captcha_failed", { detail: verdict.why });
  core.log.error("captcha_unavailable", { request_id: requestId, client_id: id, provider, why: verdict.why });
  throw new NestError("captcha_unavailable", { detail: verdict.why });
}
