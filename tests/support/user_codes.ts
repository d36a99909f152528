import { appWithClients } from "#tests/support/app.ts";
import {
  type CallOptions,
  linkIn,
  linkRequest,
  MAC,
  REDIRECT,
  type Reply,
  type TestNest,
  VERIFIER,
  WINDOWS,
} from "#tests/support/nest.ts";
import { V3 } from "#tests/support/plans.ts";

/** An app whose clients show user codes. */
export const appWithUserCodes = () =>
  appWithClients({ id: MAC, userCode: true }, { id: WINDOWS, userCode: true });

export const askForLink = (
  nest: TestNest,
  change: Record<string, unknown> = {},
  options: CallOptions = {},
): Promise<Reply> => nest.call(`${V3}send_magic_link`, linkRequest(change), options);

/** The user code in a mail. @throws Error if it has none */
export function userCodeIn(text: string): string {
  const [, code] = /^([A-Z0-9]{4}-[A-Z0-9]{4})$/m.exec(text) ?? [];
  if (!code) throw new Error(`no user code in: ${text}`);
  return code;
}

/** The token in the mail about a new device. @throws Error if it has none */
export function disownTokenIn(text: string): string {
  const [, token] = /[?&]disown=([0-9a-f]{64})/.exec(text) ?? [];
  if (!token) throw new Error(`no token in: ${text}`);
  return token;
}

/** Signs an address in on two devices. @returns the token that disowns the second session */
export async function disownToken(nest: TestNest, address: string): Promise<string> {
  for (const name of ["one", "two"]) {
    const device = { platform: "mac", beak_id: `${address} ${name}`, fingerprint: address };
    await redeemLink(nest, { code: await nest.emailedCode({ identifier_value: address, device }) });
  }
  return disownTokenIn(nest.lastMail(address).text);
}

/** Requests a link with a user code. @returns the nonce, and both secrets in the mail */
export async function sentUserCode(
  nest: TestNest,
  change: Record<string, unknown> = {},
  options: CallOptions = {},
): Promise<{ nonce: string; user_code: string; code: string }> {
  const reply = await askForLink(nest, change, options);
  if (reply.status !== 200) throw new Error(`send_magic_link answered ${reply.status} ${reply.raw}`);
  const mail = nest.lastMail();
  const code = linkIn(mail).searchParams.get("code") ?? "";
  return { nonce: reply.body.nonce, user_code: userCodeIn(mail.text), code };
}

/** Redeems a link or a user code at 2026-12-01. */
export const redeemLink = (
  nest: TestNest,
  presented: { nonce: string; user_code: string } | { code: string },
  change: Record<string, unknown> = {},
  options: CallOptions = {},
): Promise<Reply> =>
  nest.call(
    `${V3}authenticate_user`,
    {
      ...{ client_id: MAC, grant_type: "authorization_code", redirect_uri: REDIRECT },
      ...{ code_verifier: VERIFIER, ...presented, ...change },
    },
    options,
  );
