/** The services whose CAPTCHA a client can use. */
export const CAPTCHA_PROVIDERS = ["turnstile", "hcaptcha", "recaptcha"] as const;
export type CaptchaProvider = (typeof CAPTCHA_PROVIDERS)[number];

/** Methods that can require a CAPTCHA. `authenticate_user` requires it for the grant `password` only, after three wrong passwords. */
export const CAPTCHA_METHODS = [
  "send_otp",
  "send_magic_link",
  "register_user",
  "send_password_reset",
  "authenticate_user",
] as const;
export type CaptchaMethod = (typeof CAPTCHA_METHODS)[number];

/** How a client proves that a person uses it. */
export interface CaptchaSettings {
  /** `recaptcha` is reCAPTCHA v3. */
  provider: CaptchaProvider;
  /** The name of the vendor's secret in `CAPTCHA_SECRETS`; absent: the client's id. */
  secretRef?: string | undefined;
  /** The hostnames of the pages that show the CAPTCHA, such as `app.acme.example`. Loopback counts on the stage `local` only. */
  hostnames: readonly string[];
  requiredFor: readonly CaptchaMethod[];
}
