import type { CaptchaProvider } from "#core/app/captcha_settings.ts";

/** How one vendor's siteverify differs from the others'. */
export interface Vendor {
  url: string;
  /** Whether the answer names the action for which the page requested the token. */
  hasAction: boolean;
  /** Whether the answer has a score from 0 (a bot) to 1 (a person). hCaptcha's score of Enterprise means the opposite. */
  hasScore: boolean;
}

/** The CAPTCHA services that a client can use. They take the same form and differ in what they answer. */
export const VENDORS: Readonly<Record<CaptchaProvider, Vendor>> = {
  turnstile: {
    url: "https://challenges.cloudflare.com/turnstile/v0/siteverify",
    hasAction: true,
    hasScore: false,
  },
  hcaptcha: { url: "https://api.hcaptcha.com/siteverify", hasAction: false, hasScore: false },
  recaptcha: { url: "https://www.google.com/recaptcha/api/siteverify", hasAction: true, hasScore: true },
};
