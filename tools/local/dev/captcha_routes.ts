import { _default, enum as oneOf, optional, strictObject, string } from "zod/mini";
import { CAPTCHA_METHODS, CAPTCHA_PROVIDERS } from "#core/app/captcha_settings.ts";
import { failingCalls } from "#tools/local/dev/fault.ts";
import { type DevRoute, route } from "#tools/local/dev/route.ts";
import { CAPTCHA_FAULTS, type SiteverifyDouble } from "#tools/local/siteverify_double.ts";

const fault = strictObject({ calls: failingCalls, kind: _default(oneOf(CAPTCHA_FAULTS), "refused") });
const token = strictObject({
  provider: oneOf(CAPTCHA_PROVIDERS),
  hostname: _default(string(), "localhost"),
  action: optional(oneOf(CAPTCHA_METHODS)),
});

/** Routes for tokens of CAPTCHAs, as a widget makes them, and for faults of siteverify. */
export function captchaRoutes(double: SiteverifyDouble): DevRoute[] {
  return [
    route("POST", "/dev/captcha/tokens", token, ({ action = "send_otp", ...asked }) => ({
      token: double.issue({ ...asked, action }),
    })),
    route("POST", "/dev/captcha/faults", fault, ({ calls, kind }) => double.fault({ calls, kind })),
  ];
}
