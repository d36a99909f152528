import type { OAuthClients } from "#core/clients/oauth_clients.ts";
import type { Core } from "#core/core.ts";
import { newId } from "#core/ids.ts";
import { isSuppressed } from "#core/messages/mail_events.ts";
import type { Mailer } from "#core/messages/mailer.ts";
import { hashSecret, newSecret } from "#core/secrets.ts";
import { magicLinkUrl } from "#core/sign_in/link_url.ts";
import { checkLink, type LinkRequest, newAuthorization } from "#core/sign_in/magic_link.ts";

/** A magic link that an operator had mailed. */
export interface OperatorLink {
  authorizationId: string;
  expiresAt: string;
}

/**
 * Mails a magic link for an operator. The operator needs no rate limit, so none counts the link: the person's own
 * requests stay allowed.
 * @returns null if mail to the address is suppressed after a bounce or complaint; then nothing was stored
 * @throws NestError client_not_found, invalid_redirect_uri, invalid_email, email_not_sent
 */
export async function mailOperatorLink(
  core: Pick<Core, "authorizations" | "clock" | "log" | "mailEvents"> & {
    oauthClients: OAuthClients;
    mailer: Mailer;
  },
  request: LinkRequest,
): Promise<OperatorLink | null> {
  const checked = checkLink(core, request);
  if (await isSuppressed(core, checked.address)) return null;
  const _id = newId("authorization");
  const secret = newSecret();
  const authorization = newAuthorization(checked, core.clock.now());
  await core.authorizations.insert({ _id, key: hashSecret(secret), trialId: null, ...authorization });
  const url = magicLinkUrl({ ...request, code: `${_id}.${secret}`, isTrial: false });
  const { address, locale } = checked;
  const variables = { magicLinkUrl: url };
  await core.mailer.send({ to: address.recipient, locale, template: "magic-link", variables });
  return { authorizationId: _id, expiresAt: authorization.expiresAt };
}
