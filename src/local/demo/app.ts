import { createHash, randomBytes } from "node:crypto";
import type { Trace } from "#local/demo/trace.ts";
import type { SentMail } from "#local/ses_double.ts";

export const V1 = "/1/2020-12-14";
export const V2 = "/1/2021-10-06";
/** Beak for macOS. */
export const CLIENT_ID = "client_000000C2kdCzNlbL1BqR5FeMatItU";
const REDIRECT_URI = "https://magic.getbeak.app/";

export interface Tokens {
  access_token: string;
  refresh_token: string;
  user_id: string;
}

/** What the app remembers of a link that it asks for. */
export interface AskedLink {
  /** The body of the request. */
  request: Record<string, unknown>;
  state: string;
  codeVerifier: string;
  codeChallenge: string;
}

export const newAddress = () => `demo-${randomBytes(4).toString("hex")}@example.com`;

/** A PKCE pair (RFC 7636) and what is asked with it. */
export function askedLink(address: string, machine: string): AskedLink {
  const codeVerifier = randomBytes(32).toString("base64url");
  const codeChallenge = createHash("sha256").update(codeVerifier).digest("base64url");
  const state = randomBytes(8).toString("hex");
  const request = {
    client_id: CLIENT_ID,
    redirect_uri: REDIRECT_URI,
    state,
    code_challenge_method: "S256",
    code_challenge: codeChallenge,
    identifier_type: "email",
    identifier_value: address,
    device: { platform: "mac", beak_id: machine, fingerprint: machine },
  };
  return { request, state, codeVerifier, codeChallenge };
}

/** The newest mail to an address. @throws StepFailed if there is none */
export async function readMail(trace: Trace, address: string): Promise<SentMail> {
  const { body } = await trace.ask("/dev/inbox", { verb: "GET" }, { status: 200 });
  const mail = (body as SentMail[]).findLast(({ to }) => to === address);
  return trace.must(mail, `a mail to ${address} has arrived`);
}

/** The link in a mail, with the state that was asked with. @throws StepFailed */
export function linkIn(trace: Trace, mail: SentMail, { state }: AskedLink): { code: string; link: URL } {
  const link = new URL(mail.text.split("\n").find((line) => line.startsWith(REDIRECT_URI)) ?? "about:blank");
  trace.note(`${mail.subject} — ${link.href.slice(0, 60)}…`);
  trace.require(link.searchParams.get("state") === state, "the link brings our state back");
  const code = link.searchParams.get("code") ?? "";
  trace.require(/^authzcode_[0-9A-Za-z]{27}\.[0-9a-f]{64}$/.test(code), "the link holds a code");
  return { code, link };
}

/** The body that redeems a code. */
export function redemption(code: string, { codeVerifier }: AskedLink): Record<string, unknown> {
  return {
    client_id: CLIENT_ID,
    grant_type: "authorization_code",
    redirect_uri: REDIRECT_URI,
    code,
    code_verifier: codeVerifier,
  };
}
