import type { Call, MemberCaller } from "#core/call.ts";
import { type OAuthClient, requireRedirectUri } from "#core/clients/oauth_clients.ts";
import type { Core } from "#core/core.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import { type MailChannelCore, openMail } from "#core/sign_in/code_channel.ts";
import { tokenUrl } from "#core/sign_in/link_url.ts";
import { storeAndSend } from "#core/sign_in/send_verification.ts";
import { primaryOf } from "#core/users/email_of.ts";
import type { CodeKey } from "#core/verifications/code_key.ts";
import type { CodeTarget } from "#core/verifications/code_request.ts";
import { newVerification } from "#core/verifications/new_verification.ts";

export type InviteCore = MailChannelCore & Pick<Core, "stage" | "verifications"> & { codeKey: CodeKey };

/** A person whom a member invites by mail. */
export interface InvitedPerson {
  client: OAuthClient;
  target: Extract<CodeTarget, { type: "email" }>;
  /** As a membership refers to the role. */
  role: string;
  /** The page that the link opens. Undefined: the client's first one. */
  redirectUri: string | undefined;
  /** All of the inviting member's identifiers. */
  identifiers: readonly Identifier[];
}

/**
 * Mails an invitation to an account. It replaces the account's earlier ones to the address. Response, work and mail are the same for
 * known and unknown addresses.
 * @throws NestError invalid_redirect_uri, rate_limited, delivery_failed, unavailable
 */
export async function inviteMember(
  core: InviteCore,
  { client, target, role, redirectUri, identifiers }: InvitedPerson,
  caller: MemberCaller,
  call: Call,
): Promise<void> {
  const [firstPage = ""] = client.redirectUris;
  const page = requireRedirectUri(client, redirectUri ?? firstPage);
  const channel = await openMail(core, { client, target, device: null, isLink: true }, target, call);
  const { verification, secrets } = newVerification(core, {
    ...{ purpose: "invite", clientId: client.id, target, now: core.clock.now() },
    sends: { code: false, redirectUri: page },
  });
  const { token } = secrets;
  if (token === null) throw new Error("an invitation has a link");
  const { accountId } = caller.account;
  const invited = { ...verification, invite: { accountId, role, invitedBy: caller.userId } };
  const link = { redirectUri: page, client, token, stage: core.stage };
  const variables = {
    url: tokenUrl({ ...link, flow: "account_invite" }),
    inviter: primaryOf(identifiers, "email")?.identifierValue ?? null,
  };
  // An invitation goes by mail only.
  const message = { mail: { template: "account_invite", variables }, sms: { code: "" } } as const;
  await storeAndSend(core, channel, { verification: invited, message, isNeutral: false });
  core.log.info("account_user_invited", { account_id: accountId, client_id: client.id });
}
