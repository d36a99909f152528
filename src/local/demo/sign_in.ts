import {
  askedLink,
  CLIENT_ID,
  linkIn,
  newAddress,
  readMail,
  redemption,
  type Tokens,
  V1,
  V2,
} from "#local/demo/app.ts";
import type { Trace } from "#local/demo/trace.ts";

/**
 * What the desktop app does between "Sign in" and "Sign out", against a running Nest with the local stack's inbox.
 * @throws StepFailed at the first step whose answer is not the promised one
 */
export async function demonstrateSignIn(trace: Trace): Promise<void> {
  const address = newAddress();

  trace.step("A PKCE pair: the verifier stays on this machine, its hash goes with the request");
  const asked = askedLink(address, "demo");
  trace.note(`code_challenge ${asked.codeChallenge}`);

  trace.step("Ask for a link");
  await trace.ask(`${V1}/send_magic_link`, { body: asked.request }, { status: 204 });

  trace.step("Read the mail");
  const { code } = linkIn(trace, await readMail(trace, address), asked);

  trace.step("Redeem the code, with the verifier that only this machine has");
  const body = redemption(code, asked);
  const redeemed = await trace.ask(`${V1}/authenticate_user`, { body }, { status: 200 });
  const first = redeemed.body as Tokens;
  await trace.ask(`${V1}/authenticate_user`, { body }, { status: 400, code: "token_used" });

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
