import type { Vendor } from "#core/captcha/vendors.ts";

/** The lowest score that counts as a person. */
export const LOWEST_SCORE = 0.5;

/** What a token must have been made for. */
export interface Expected {
  /** The hostnames of the client's pages. */
  hostnames: readonly string[];
  /** The method that is called. */
  action: string;
}

/** Whether a token proves a person. `why` is a word for the log, never the vendor's text. */
export type Verdict =
  | { outcome: "passed" }
  | { outcome: "failed"; why: "token_refused" | "hostname" | "action" | "score" }
  | { outcome: "unavailable"; why: "secret_refused" | "vendor_failed" };

/** Error codes for a wrong secret: nobody can pass until an operator corrects it. */
const SECRET_REFUSED = [
  "missing-input-secret",
  "invalid-input-secret",
  "sitekey-secret-mismatch",
  "not-using-dummy-secret",
];
/** Error codes for a failure at the vendor. */
const VENDOR_FAILED = ["internal-error"];

/** Judges the answer of a vendor's siteverify. */
export function judgeAnswer(answer: Record<string, unknown>, expected: Expected, vendor: Vendor): Verdict {
  if (answer.success !== true) return judgeRefusal(answer["error-codes"]);
  const { hostname, action, score } = answer;
  if (typeof hostname !== "string" || !expected.hostnames.includes(hostname.toLowerCase()))
    return { outcome: "failed", why: "hostname" };
  if (vendor.hasAction && action !== expected.action) return { outcome: "failed", why: "action" };
  if (vendor.hasScore && !(typeof score === "number" && score >= LOWEST_SCORE))
    return { outcome: "failed", why: "score" };
  return { outcome: "passed" };
}

function judgeRefusal(codes: unknown): Verdict {
  const given: unknown[] = Array.isArray(codes) ? codes : [];
  const has = (known: readonly string[]) => given.some((code) => known.includes(String(code)));
  if (has(SECRET_REFUSED)) return { outcome: "unavailable", why: "secret_refused" };
  if (has(VENDOR_FAILED)) return { outcome: "unavailable", why: "vendor_failed" };
  return { outcome: "failed", why: "token_refused" };
}
