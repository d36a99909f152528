/** Signs in with openapi-fetch and the types that openapi-typescript generates from the document. */
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
const user = await nest.POST("/1/2021-10-06/get_user", {
  body: { user_id },
  headers: { authorization: `bearer ${access_token}` },
});
const [identifier] = user.data?.identifiers ?? [];
if (identifier?.identifier_value !== address)
  throw new Error("get_user returned another user than the one who signed in.");
console.log(JSON.stringify({ user_id, access_token }));
