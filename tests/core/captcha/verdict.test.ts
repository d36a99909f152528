import { expect, test } from "vitest";
import { VENDORS } from "#core/captcha/vendors.ts";
import { judgeAnswer } from "#core/captcha/verdict.ts";

const expected = { hostnames: ["app.example", "www.app.example"], action: "send_otp" };
/** An answer that passes for every vendor. */
const good = { success: true, hostname: "app.example", action: "send_otp", score: 0.5 };
const { turnstile, hcaptcha, recaptcha } = VENDORS;

test.each([
  ["Turnstile without a score", turnstile, { score: undefined }],
  [
    "hCaptcha without an action and with the risk that Enterprise adds",
    hcaptcha,
    { action: undefined, score: 0.1 },
  ],
  ["reCAPTCHA with the lowest score that passes", recaptcha, {}],
  ["another hostname of the list", turnstile, { hostname: "www.app.example" }],
  ["a hostname in upper case", turnstile, { hostname: "APP.example" }],
])("passes %s", (_what, vendor, change) => {
  expect(judgeAnswer({ ...good, ...change }, expected, vendor)).toEqual({ outcome: "passed" });
});

test.each([
  [
    "a refused token",
    turnstile,
    { success: false, "error-codes": ["invalid-input-response"] },
    "token_refused",
  ],
  [
    "a token that was used",
    turnstile,
    { success: false, "error-codes": ["timeout-or-duplicate"] },
    "token_refused",
  ],
  ["a refusal without a code", hcaptcha, { success: false }, "token_refused"],
  ["success that is not the boolean", turnstile, { success: "true" }, "token_refused"],
  ["a foreign hostname", turnstile, { hostname: "evil.example" }, "hostname"],
  ["a hostname that only ends like ours", hcaptcha, { hostname: "evil-app.example" }, "hostname"],
  ["no hostname", recaptcha, { hostname: undefined }, "hostname"],
  ["another action", turnstile, { action: "register_user" }, "action"],
  ["an empty action", turnstile, { action: "" }, "action"],
  ["another action of reCAPTCHA", recaptcha, { action: "login" }, "action"],
  ["a score below 0.5", recaptcha, { score: 0.49 }, "score"],
  ["no score, as reCAPTCHA v2 answers", recaptcha, { score: undefined }, "score"],
  ["a score that is not a number", recaptcha, { score: "0.9" }, "score"],
])("fails %s", (_what, vendor, change, why) => {
  expect(judgeAnswer({ ...good, ...change }, expected, vendor)).toEqual({ outcome: "failed", why });
});

test.each([
  ["a wrong secret", { success: false, "error-codes": ["invalid-input-secret"] }, "secret_refused"],
  ["a missing secret", { success: false, "error-codes": ["missing-input-secret"] }, "secret_refused"],
  [
    "a secret of another site",
    { success: false, "error-codes": ["sitekey-secret-mismatch"] },
    "secret_refused",
  ],
  ["a failure at the vendor", { success: false, "error-codes": ["internal-error"] }, "vendor_failed"],
])("does not blame the person for %s", (_what, change, why) => {
  expect(judgeAnswer({ ...good, ...change }, expected, turnstile)).toEqual({ outcome: "unavailable", why });
});
