/**
 * Signs in, and buys a plan on the Stripe double, with openapi-fetch and the types that openapi-typescript generates from
 * the document.
 */
import createClient from "openapi-fetch";
import type { paths } from "./api.d.ts";

declare const process: { argv: string[] };
const [url = "", address = "", clientId = "", redirectUri = ""] = process.argv.slice(2);
const nest = createClient<paths>({ baseUrl: url });

const asked = await nest.POST("/1/2021-10-06/send_magic_link", {
  body: {
    client_id: clientId,
    redirect_uri: redirectUri,
    state: "s",
    code_challenge_method: "S256",
    // RFC 7636, appendix B.
    code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    identifier_type: "email",
    identifier_value: address,
  },
});
if (asked.error) throw new Error(asked.error.code);
const inbox = (await (await fetch(`${url}/dev/inbox`)).json()) as { to: string; text: string }[];
const mail = inbox.findLast(({ to }) => to === address);
const redeemed = await nest.POST("/1/2021-10-06/authenticate_user", {
  body: {
    client_id: clientId,
    grant_type: "authorization_code",
    redirect_uri: redirectUri,
    code: /authzcode_\w+\.\w+/.exec(mail?.text ?? "")?.[0] ?? "",
    code_verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
  },
});
// The error code is a closed union: a code that the method does not declare would not compile.
if (redeemed.error?.code === "token_expired") throw new Error("The link expired before it was redeemed.");
if (!redeemed.data) throw new Error(redeemed.error.code);
const { user_id, access_token } = redeemed.data;
const headers = { authorization: `bearer ${access_token}` };
const user = await nest.POST("/1/2021-10-06/get_user", { body: { user_id }, headers });
const [identifier] = user.data?.identifiers ?? [];
if (identifier?.identifier_value !== address)
  throw new Error("get_user returned another user than the one who signed in.");

const plans = await nest.POST("/1/2026-12-01/list_plans", { body: { client_id: clientId } });
const plan = plans.data?.[0];
if (!plan) throw new Error("list_plans returned no plan.");
const checkout = await nest.POST("/1/2026-12-01/create_checkout_session", {
  body: { plan: plan.id, success_url: `${url}/?bought=yes`, cancel_url: url },
  headers,
});
if (checkout.error) throw new Error(checkout.error.code);
// A person would press the button on this page of the Stripe double.
const card = new URLSearchParams({ card: "succeeds" });
await fetch(checkout.data.url, { method: "POST", body: card, redirect: "manual" });
const readStatus = () => nest.POST("/1/2026-12-01/get_subscription_status", { body: { user_id }, headers });
let bought = await readStatus();
// The double's event reaches Nest soon after the payment.
for (let tries = 1; bought.error?.code === "no_active_subscription" && tries < 100; tries++) {
  await new Promise((resolve) => setTimeout(resolve, 100));
  bought = await readStatus();
}
if (bought.data?.status !== "active" || bought.data.plan !== plan.id)
  throw new Error(`The plan was paid, but get_subscription_status returned ${JSON.stringify(bought)}.`);
console.log(JSON.stringify({ user_id, access_token }));
