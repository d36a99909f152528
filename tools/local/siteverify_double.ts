import type { ServerResponse } from "node:http";
import type { CaptchaProvider } from "#core/app/captcha_settings.ts";
import { type Clock, MINUTE, plusSeconds, systemClock } from "#core/clock.ts";
import { newSecret } from "#core/secrets.ts";
import { ArmedFault, readText, startDoubleServer } from "#tools/local/double_server.ts";

/** The secret that the double accepts. Every client of the local stack has it. */
export const LOCAL_CAPTCHA_SECRET = "captcha_secret_of_the_local_stack";

/** How long a token works. Every vendor documents about this time. */
const TOKEN_SECONDS = 5 * MINUTE;
const BODY_LIMIT = 16 * 1024;

export const CAPTCHA_FAULTS = [
  "refused",
  "wrong_hostname",
  "wrong_action",
  "low_score",
  "slow",
  "down",
  "none",
] as const;
export type CaptchaFault = (typeof CAPTCHA_FAULTS)[number];

/** What a widget on a page would put into a token. */
export interface TokenRequest {
  provider: CaptchaProvider;
  hostname: string;
  action: string;
}

interface Token extends TokenRequest {
  expiresAt: Date;
  isUsed: boolean;
}

export interface SiteverifyDouble {
  url: string;
  /** Makes a token, as the widget of a vendor does for a person. It works once, for five minutes. */
  issue(request: TokenRequest): string;
  /** The number of requests so far. */
  requests(): number;
  /** Makes the next `calls` calls fail; 0 calls or the kind `none` clears the fault. */
  fault(fault: { calls: number; kind: CaptchaFault }): void;
  close(): Promise<void>;
}

/**
 * Starts a double of `siteverify` on loopback. It answers in the form of the vendor that the token names: hCaptcha without
 * action, Turnstile without score.
 */
export async function startSiteverifyDouble({ clock = systemClock } = {}): Promise<SiteverifyDouble> {
  const tokens = new Map<string, Token>();
  const faults = new ArmedFault<CaptchaFault>();
  let count = 0;
  const server = await startDoubleServer(async (request, response) => {
    const form = new URLSearchParams(await readText(request, BODY_LIMIT));
    count++;
    const fault = faults.take();
    // A slow vendor never answers here, so that no test depends on a time.
    if (fault === "slow") return;
    if (fault === "down") return void response.writeHead(503).end("unavailable");
    answer(response, judge(tokens, form, { fault, clock }));
  });
  return {
    url: `${server.url}/siteverify`,
    issue(request) {
      const token = newSecret();
      tokens.set(token, { ...request, expiresAt: plusSeconds(clock.now(), TOKEN_SECONDS), isUsed: false });
      return token;
    },
    requests: () => count,
    fault: (fault) => faults.arm(fault),
    close: server.close,
  };
}

const refused = (...codes: string[]) => ({ success: false, "error-codes": codes });

/** Uses a token and returns the vendor's answer. */
function judge(
  tokens: ReadonlyMap<string, Token>,
  form: URLSearchParams,
  { fault, clock }: { fault: CaptchaFault; clock: Clock },
): Record<string, unknown> {
  const secret = form.get("secret") ?? "";
  if (secret === "") return refused("missing-input-secret");
  if (secret !== LOCAL_CAPTCHA_SECRET) return refused("invalid-input-secret");
  const presented = form.get("response") ?? "";
  if (presented === "") return refused("missing-input-response");
  const token = tokens.get(presented);
  if (!token || fault === "refused") return refused("invalid-input-response");
  if (token.isUsed || token.expiresAt <= clock.now()) return refused("timeout-or-duplicate");
  token.isUsed = true;
  return describe(token, fault, clock);
}

function describe({ provider, hostname, action }: Token, fault: CaptchaFault, clock: Clock) {
  return {
    success: true,
    challenge_ts: clock.now().toISOString(),
    hostname: fault === "wrong_hostname" ? "elsewhere.example" : hostname,
    ...(provider === "hcaptcha" ? { credit: false } : {}),
    ...(provider === "hcaptcha" ? {} : { action: fault === "wrong_action" ? "other" : action }),
    ...(provider === "recaptcha" ? { score: fault === "low_score" ? 0.3 : 0.9 } : {}),
    "error-codes": [],
  };
}

function answer(response: ServerResponse, value: Record<string, unknown>): void {
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
}
