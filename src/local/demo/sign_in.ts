import { createHash, randomBytes } from "node:crypto";
import type { Trace } from "#local/demo/trace.ts";
import type { SentMail } from "#local/ses_double.ts";

const V1 = "/1/2020-12-14";
const V2 = "/1/2021-10-06";
/** Beak for macOS. */
const CLIENT_ID = "client_000000C2kdCzNlbL1BqR5FeMatItU";
const REDIRECT_URI = "https://magic.getbeak.app/";

interface Tokens {
  access_token: string;
  refresh_token: string;
  user_id: string;
}

/**
 * What the desktop app does between "Sign in" and "Sign out", against a running Nest with the local stack's inbox.
 * @throws StepFailed at the first step whose answer is not the promised one
 */
export async function demonstrateSignIn(trace: Trace): Promise<void> {
  const address = `demo-${randomBytes(4).toString("hex")}@example.com`;

  trace.step("A PKCE pair: the verifier stays on this machine, its hash goes with the request");
  const codeVerifier = randomBytes(32).toString("base64url");
  const codeChallenge = createHash("sha256").update(codeVerifier).digest("base64url");
  const state = randomBytes(8).toString("hex");
  trace.note(`code_challenge ${codeChallenge}`);

  trace.step("Ask for a link");
  const linkRequest = {
    client_id: CLIENT_ID,
    redirect_uri: REDIRECT_URI,
    state,
    code_challenge_method: "S256",
    code_challenge: codeChallenge,
    identifier_type: "email",
    identifier_value: address,
    device: { platform: "mac", beak_id: "demo", fingerprint: "demo" },
  };
  await trace.ask(`${V1}/send_magic_link`, { body: linkRequest }, { status: 204 });

  trace.step("Read the mail");
  const code = await readCode(trace, address, state);

  trace.step("Redeem the code, with the verifier that only this machine has");
  const redemption = {
    client_id: CLIENT_ID,
    grant_type: "authorization_code",
    redirect_uri: REDIRECT_URI,
    code,
    code_verifier: codeVerifier,
  };
  const redeemed = await trace.ask(`${V1}/authenticate_user`, { body: redemption }, { status: 200 });
  const first = redeemed.body as Tokens;
  await trace.ask(`${V1}/authenticate_user`, { body: redemption }, { status: 400, code: "token_used" });

  trace.step("Who am I, what have I agreed to, what is new, where am I signed in");
  await callAsUser(trace, first, address);

  trace.step("Refresh: a new pair, and the old access token falls");
  const refresh = (token: string) => ({
    client_id: CLIENT_ID,
    grant_type: "refresh_token",
    refresh_token: token,
  });
  const refreshed = await trace.ask(
    `${V1}/authenticate_user`,
    { body: refresh(first.refresh_token) },
    { status: 200 },
  );
  const second = refreshed.body as Tokens;
  const self = { user_id: first.user_id };
  await trace.ask(`${V2}/get_user`, { body: self, bearer: second.access_token }, { status: 200 });
  await trace.ask(
    `${V2}/get_user`,
    { body: self, bearer: first.access_token },
    { status: 401, code: "unauthorized" },
  );

  trace.step("Sign out");
  await trace.ask(
    `${V2}/revoke_token`,
    { body: { client_id: CLIENT_ID, refresh_token: second.refresh_token } },
    { status: 204 },
  );
  await trace.ask(
    `${V2}/get_user`,
    { body: self, bearer: second.access_token },
    { status: 401, code: "unauthorized" },
  );
  await trace.ask(
    `${V1}/authenticate_user`,
    { body: refresh(second.refresh_token) },
    { status: 400, code: "authorization_not_found" },
  );
}

async function readCode(trace: Trace, address: string, state: string): Promise<string> {
  const { body } = await trace.ask("/dev/inbox", { verb: "GET" }, { status: 200 });
  const mail = (body as SentMail[]).findLast(({ to }) => to === address);
  trace.require(mail !== undefined, `a mail to ${address} has arrived`);
  const link = new URL(mail?.text.split("\n").find((line) => line.startsWith(REDIRECT_URI)) ?? "about:blank");
  trace.note(`${mail?.subject} — ${link.href.slice(0, 60)}…`);
  trace.require(link.searchParams.get("state") === state, "the link brings our state back");
  const code = link.searchParams.get("code") ?? "";
  trace.require(/^authzcode_[0-9A-Za-z]{27}\.[0-9a-f]{64}$/.test(code), "the link holds a code");
  return code;
}

async function callAsUser(trace: Trace, tokens: Tokens, address: string): Promise<void> {
  const bearer = tokens.access_token;
  const self = { user_id: tokens.user_id };
  const user = await trace.ask(`${V2}/get_user`, { body: self, bearer }, { status: 200 });
  const identifiers = (user.body as { identifiers: { identifier_value: string }[] }).identifiers;
  trace.require(
    identifiers.some(({ identifier_value }) => identifier_value === address),
    "the user has the address that was proved",
  );
  const awaiting = { status: 404, code: "awaiting_consent" };
  await trace.ask(`${V1}/get_marketing_consent`, { body: self, bearer }, awaiting);
  const chosen = { ...self, level: "general" };
  await trace.ask(`${V1}/set_marketing_consent`, { body: chosen, bearer }, { status: 204 });
  await trace.ask(`${V1}/get_marketing_consent`, { body: self, bearer }, { status: 200 });
  await trace.ask(`${V1}/list_news_items`, { body: { client_id: CLIENT_ID }, bearer }, { status: 200 });
  await trace.ask(`${V2}/list_sessions`, { body: self, bearer }, { status: 200 });
}
