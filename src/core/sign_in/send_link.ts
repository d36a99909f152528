import type { Call } from "#core/call.ts";
import type { OAuthClients } from "#core/clients/oauth_clients.ts";
import { plusSeconds } from "#core/clock.ts";
import type { Core } from "#core/core.ts";
import type { MailChange, Mailer } from "#core/messages/mailer.ts";
import { LIMITS } from "#core/rate_limits/limits.ts";
import type { RateLimiter } from "#core/rate_limits/rate_limiter.ts";
import type { Authorization } from "#core/repositories/authorizations.ts";
import { hashSecret, newSecret } from "#core/secrets.ts";
import { settleAll } from "#core/settle.ts";
import { type CustomEmail, changeOf } from "#core/sign_in/custom_email.ts";
import {
  type CheckedLink,
  CODE_LIFETIME_SECONDS,
  limitLinkRequest,
  mailLink,
  type StoredLink,
  storeLink,
} from "#core/sign_in/magic_link.ts";
import { answerNeutrally } from "#core/sign_in/neutral_answer.ts";
import { type CodeKey, showUserCode } from "#core/verifications/code_key.ts";

/** What the requester of a link gets. */
export interface SentLink {
  /** 32 random bytes, hex. The user code in the mail is presented with it. */
  nonce: string;
  expiresAt: Date;
  /** From when another link can be requested. */
  resendAt: Date;
}

type SendLinkCore = Pick<
  Core,
  "authorizations" | "clock" | "identifiers" | "log" | "mailEvents" | "trials"
> & {
  codeKey: CodeKey;
  mailer: Mailer;
  oauthClients: OAuthClients;
  rateLimiter: RateLimiter;
};

/**
 * Stores and mails a magic link, with a user code if the client shows one. A client with closed registration mails only
 * existing users; the response is the same for other people. Two round trips and the mail.
 * @throws NestError client_not_found, rate_limited; email_not_sent if registration is open
 */
export async function sendLink(
  core: SendLinkCore,
  checked: CheckedLink,
  email: CustomEmail | null,
  call: Call,
): Promise<SentLink> {
  const client = core.oauthClients.require(checked.request.clientId);
  // A body of the caller's own has no place for a code.
  const showsCode = client.userCode && !email?.body;
  const link = await limitLinkRequest(core, checked, call, { isCode: showsCode });
  const now = core.clock.now();
  const nonce = newSecret();
  const userCode = showsCode ? core.codeKey.newUserCode() : null;
  const isOpen = client.registration === "open";
  const fieldsOf = (id: string): Partial<Authorization> => ({
    ...(userCode && {
      nonceHash: hashSecret(nonce),
      userCodeHash: core.codeKey.hash(id, userCode),
      userCodeAttempts: 0,
    }),
    ...(!isOpen && { signsUp: false }),
  });
  const [stored, identifier] = await settleAll([
    storeLink(core, link, null, fieldsOf),
    isOpen ? null : core.identifiers.findActive("email", link.address.identity),
  ]);
  const mailed = {
    ...stored,
    userCode: userCode && showUserCode(userCode),
    ...(email && { change: changeOf(email, stored) }),
  };
  if (isOpen) await mailLink(core, mailed, call);
  else await mailNeutrally(core, mailed, { isKnown: identifier !== null, call });
  return {
    nonce,
    expiresAt: plusSeconds(now, CODE_LIFETIME_SECONDS),
    resendAt: showsCode ? plusSeconds(now, LIMITS.codes_per_identifier.seconds) : now,
  };
}

/** Mails the link if its address belongs to a user, and takes the same time if not. */
function mailNeutrally(
  core: SendLinkCore,
  link: StoredLink & { userCode: string | null; change?: MailChange },
  { isKnown, call }: { isKnown: boolean; call: Call },
): Promise<void> {
  return answerNeutrally(core, "email", async (deadline) => {
    if (isKnown) await mailLink({ ...core, mailer: core.mailer.until(deadline) }, link, call);
  });
}
