import type { Call, Caller } from "#core/call.ts";
import type { OAuthClient } from "#core/clients/oauth_clients.ts";
import { plusSeconds } from "#core/clock.ts";
import { byCaller } from "#core/events/event_source.ts";
import { resetRequested } from "#core/events/reset_events.ts";
import type { AnyMail } from "#core/messages/mailer.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import { carrying } from "#core/repositories/outbox.ts";
import type { Verification } from "#core/repositories/verifications.ts";
import { purgeVerificationAfter } from "#core/retention.ts";
import { type TokenLink, tokenUrl } from "#core/sign_in/link_url.ts";
import type { CodeKey } from "#core/verifications/code_key.ts";
import type { CodeTarget } from "#core/verifications/code_request.ts";
import { CODE_LIFETIME_SECONDS } from "#core/verifications/lifetimes.ts";
import { newVerification, type VerificationSecrets } from "#core/verifications/new_verification.ts";

/** A request for a new password. */
export interface ResetRequest {
  client: OAuthClient;
  target: CodeTarget;
  /** The page that the link opens. Undefined: the message has a code only. */
  redirectUri: string | undefined;
  caller: Caller;
  call: Call;
}

/** A reset that is not stored yet. */
export interface NewReset {
  verification: Verification;
  secrets: VerificationSecrets;
}

/**
 * Creates the verification of a reset. For an address without a user it is the same, so that both take the same steps, and
 * no secret of it is accepted.
 * @param identifier the active identifier, or null
 */
export function newReset(
  core: { codeKey: CodeKey },
  { client, target, redirectUri, caller, call }: ResetRequest,
  identifier: Identifier | null,
  now: Date,
): NewReset {
  const { verification: created, secrets } = newVerification(core, {
    ...{ purpose: "reset_password", clientId: client.id, target, now },
    sends: { code: true, redirectUri },
  });
  const verification = target.type === "phone" ? { ...created, ...codeLifetime(now) } : created;
  if (identifier === null) return { verification, secrets };
  const source = { ...byCaller(caller, call), clientId: client.id };
  const requested = resetRequested(verification, identifier, source, now.toISOString());
  return { verification: { ...verification, ...carrying([requested]) }, secrets };
}

/** What is sent by SMS works as long as a code does (ASVS 6.5.5), even if the caller also gets a token. */
function codeLifetime(now: Date): Pick<Verification, "expiresAt" | "purgeAt"> {
  const expiresAt = plusSeconds(now, CODE_LIFETIME_SECONDS);
  return { expiresAt: expiresAt.toISOString(), purgeAt: purgeVerificationAfter(expiresAt) };
}

/** The mail of a reset with a link. */
export function resetMail(
  { verification: { redirectUri }, secrets }: NewReset,
  { client, stage }: Pick<TokenLink, "client" | "stage">,
): AnyMail {
  const { token, code } = secrets;
  if (token === null || redirectUri === undefined) throw new Error("a mail needs a page");
  const url = tokenUrl({ redirectUri, client, token, stage, flow: "reset_password" });
  const variables = { url, code };
  return { template: "reset_password", variables };
}
