import type { Stage } from "#core/app/app.ts";
import { type OAuthClient, requireRedirectUri } from "#core/clients/oauth_clients.ts";
import { DAY, plusSeconds } from "#core/clock.ts";
import type { EventSource } from "#core/events/event_source.ts";
import { resetRequested } from "#core/events/reset_events.ts";
import type { AnyMail } from "#core/messages/mailer.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import { carrying } from "#core/repositories/outbox.ts";
import type { Verification } from "#core/repositories/verifications.ts";
import { purgeVerificationAfter } from "#core/retention.ts";
import { tokenUrl } from "#core/sign_in/link_url.ts";
import type { CodeKey } from "#core/verifications/code_key.ts";
import type { CodeTarget } from "#core/verifications/code_request.ts";
import { newVerification } from "#core/verifications/new_verification.ts";

/** What the mail to a new user has: a link to choose a password, a link that proves the address, or no link. */
export type CreationMail = "password" | "proof" | "note";

/** The options of `create_user`. */
export interface MailOptions {
  /** Tells the person of the account. */
  sendEmail: boolean;
  /** A link to choose a password. Undefined: if the client has passwords. */
  sendResetEmail: boolean | undefined;
  /** A link that proves the address. */
  verifyEmail: boolean;
}

/** A person reads the mail when they come to it, so its link works longer than one that they asked for. */
const LINK_LIFETIME_SECONDS = DAY;

/**
 * Decides which mail a new user gets, without I/O. There is one at most: the link for a password proves the address too. A phone
 * number gets none.
 */
export function chooseMail(
  { grants }: Pick<OAuthClient, "grants">,
  type: CodeTarget["type"],
  { sendEmail, sendResetEmail = grants.includes("password"), verifyEmail }: MailOptions,
): CreationMail | null {
  if (type === "phone") return null;
  if (sendResetEmail) return "password";
  if (verifyEmail) return "proof";
  return sendEmail ? "note" : null;
}

/**
 * The page that the link opens: by default the first of the client's redirect URIs.
 * @returns null if the mail has no link
 * @throws NestError invalid_redirect_uri
 */
export function pageOfMail(
  client: OAuthClient,
  mail: CreationMail | null,
  redirectUri: string | undefined,
): string | null {
  const [first = ""] = client.redirectUris;
  const hasLink = mail === "password" || mail === "proof";
  if (!hasLink && redirectUri === undefined) return null;
  const page = requireRedirectUri(client, redirectUri ?? first);
  return hasLink ? page : null;
}

/** A mail that is not sent, with the verification of its link, which is not stored. */
export interface PreparedMail {
  verification: Verification | null;
  mail: AnyMail;
}

/** Makes the mail to a new user. @param page null: the mail has no link */
export function prepareMail(
  core: { codeKey: CodeKey; stage: Stage },
  { client, target, page }: { client: OAuthClient; target: CodeTarget; page: string | null },
  { identifier, kind }: { identifier: Pick<Identifier, "userId">; kind: CreationMail },
  { source, now }: { source: EventSource; now: Date },
): PreparedMail {
  const mailOf = (link: { url: string; opens: "password" | "proof" } | null): AnyMail => ({
    ...{ template: "account_created", variables: { link } },
  });
  if (page === null || kind === "note") return { verification: null, mail: mailOf(null) };
  const flow = kind === "password" ? "reset_password" : "verify_identifier";
  const { verification, secrets } = newVerification(core, {
    ...{ purpose: flow, clientId: client.id, target, now, sends: { code: false, redirectUri: page } },
    // As a reset that the person asks for, a link for a password belongs to the address.
    ...(kind === "proof" && { userId: identifier.userId }),
  });
  const expiresAt = plusSeconds(now, LINK_LIFETIME_SECONDS);
  const at = now.toISOString();
  const asked = resetRequested(verification, identifier, { ...source, clientId: client.id }, at);
  const { stage } = core;
  const token = secrets.token ?? "";
  return {
    verification: {
      ...verification,
      ...{ expiresAt: expiresAt.toISOString(), purgeAt: purgeVerificationAfter(expiresAt) },
      ...(kind === "password" && carrying([asked])),
    },
    mail: mailOf({
      url: tokenUrl({ redirectUri: page, client, token, stage, flow }),
      opens: kind,
    }),
  };
}
