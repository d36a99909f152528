import { createHash, randomBytes } from "node:crypto";
import app from "#app";
import type { Rehearsal } from "#tools/deploy/verify/rehearsal.ts";
import { sampleClient } from "#tools/stage/sample_client.ts";

const { clientId: CLIENT, redirectUri: REDIRECT } = sampleClient(app);

/**
 * Signs a new user in through the deployed API: mails a link through SES, redeems its code for tokens, which the private
 * key signs, and gets the user with them, which the public key verifies.
 * @throws Error with the first unexpected response
 */
export async function signIn({ api, ses }: Pick<Rehearsal, "api" | "ses">): Promise<string> {
  const call = async (path: string, body: unknown, headers: Record<string, string> = {}) => {
    const answer = await fetch(`${api.url}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path} answered ${answer.status} ${text}`);
    return text === "" ? null : (JSON.parse(text) as Record<string, string>);
  };
  const verifier = randomBytes(32).toString("base64url");
  const address = `${randomBytes(4).toString("hex")}@example.com`;
  await call("/1/2020-12-14/send_magic_link", {
    client_id: CLIENT,
    redirect_uri: REDIRECT,
    state: "verify",
    code_challenge_method: "S256",
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    identifier_type: "email",
    identifier_value: address,
  });
  const mail = ses.inbox.find(({ to }) => to === address);
  const code = /code=([^&\s]+)/.exec(mail?.text ?? "")?.[1];
  if (!code) throw new Error("No mail with a code arrived.");
  const tokens = await call("/1/2020-12-14/authenticate_user", {
    client_id: CLIENT,
    grant_type: "authorization_code",
    redirect_uri: REDIRECT,
    code,
    code_verifier: verifier,
  });
  const user = await call(
    "/1/2021-10-06/get_user",
    { user_id: tokens?.user_id },
    { authorization: `bearer ${tokens?.access_token}` },
  );
  if (user?.id !== tokens?.user_id) throw new Error("get_user returned another user.");
  return "mail, code, tokens, user";
}
