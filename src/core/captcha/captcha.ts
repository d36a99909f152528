import { _default, optional, record, refine, string } from "zod/mini";
import type { CaptchaSettings } from "#core/app/captcha_settings.ts";
import { VENDORS } from "#core/captcha/vendors.ts";
import { judgeAnswer, type Verdict } from "#core/captcha/verdict.ts";
import { json, localOnly, secret } from "#core/config.ts";
import { isLoopback } from "#core/services/aws.ts";
import { postSiteverify, SiteverifyError } from "#core/services/siteverify.ts";

/** Longest time for the vendor's answer, unless the call's deadline comes first. */
const LIMIT_MS = 3_000;

export const captchaVariables = {
  /** The vendors' secrets, by `secretRef` of the app's clients. */
  CAPTCHA_SECRETS: secret(_default(json(record(string(), string())), {})),
  CAPTCHA_VERIFY_URL: localOnly(
    optional(string().check(refine((value) => URL.canParse(value) && isLoopback(new URL(value))))),
  ),
};

/** What a CAPTCHA token is checked against. */
export interface Challenge {
  settings: CaptchaSettings;
  /** Names the secret in `CAPTCHA_SECRETS`. */
  secretRef: string;
  /** The method that is called. */
  action: string;
}

/** Asks the vendors of CAPTCHAs whether a token is valid. */
export class Captcha {
  readonly #secrets: Readonly<Record<string, string>>;
  readonly #url: string | undefined;
  readonly #deadline: number;

  /** @param url replaces the addresses of all vendors, for tests */
  constructor(
    secrets: Readonly<Record<string, string>>,
    url?: string,
    deadline: number = Number.POSITIVE_INFINITY,
  ) {
    this.#secrets = secrets;
    this.#url = url;
    this.#deadline = deadline;
  }

  /**
   * The same checker, bound to the deadline of one call.
   * @param deadline epoch milliseconds by which the call must respond
   */
  until(deadline: number): Captcha {
    return new Captcha(this.#secrets, this.#url, deadline);
  }

  /** Asks the vendor once. Every failure to ask is an outcome, so that no caller can take it for success. */
  async verify(token: string, { settings, secretRef, action }: Challenge): Promise<Verdict | NotAsked> {
    const secret = Object.hasOwn(this.#secrets, secretRef) ? this.#secrets[secretRef] : undefined;
    if (!secret) return { outcome: "unavailable", why: "no_secret" };
    const vendor = VENDORS[settings.provider];
    try {
      const limitMs = Math.min(LIMIT_MS, this.#deadline - Date.now());
      const answer = await postSiteverify(
        new URL(this.#url ?? vendor.url),
        { secret, response: token },
        limitMs,
      );
      return judgeAnswer(answer, { hostnames: settings.hostnames, action }, vendor);
    } catch (error) {
      if (!(error instanceof SiteverifyError)) throw error;
      return { outcome: "unavailable", why: error.name };
    }
  }
}

/** The vendor was not asked, or did not answer. */
export interface NotAsked {
  outcome: "unavailable";
  /** `no_secret`, or the name of a `SiteverifyError`. */
  why: string;
}
