import { optional, type output, refine, regex, strictObject } from "zod/mini";
import type { EmailTemplate } from "#core/app/app.ts";
import type { Caller } from "#core/call.ts";
import type { OAuthClient } from "#core/clients/oauth_clients.ts";
import { NestError } from "#core/errors.ts";
import { renderCustomMail, sanitizeBody } from "#core/messages/custom_mail.ts";
import type { MailChange } from "#core/messages/mailer.ts";
import { text } from "#core/wire.ts";

const NOT_IN_A_HEADER = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

/** Text for a header of a mail: one line, without control characters and characters that change the direction. */
const headerText = (limit: number) =>
  text(limit).check(
    // No `regex`: tools that generate examples from the OpenAPI document can't build its pattern.
    refine((value) => !NOT_IN_A_HEADER.test(value), "must be one line without control characters"),
  );

/** The sender, the subject and the body of a link's mail. */
export const emailFields = strictObject({
  from_email: optional(text(254)),
  from_name: optional(headerText(100).check(regex(/^[^<>"@]*$/))),
  subject: optional(headerText(200)),
  html_body: optional(text(50_000)),
});

/** A custom mail that may be sent. What is null is as in the usual mail. */
export interface CustomEmail {
  /** The sender's address. */
  fromEmail: string | null;
  fromName: string | null;
  subject: string | null;
  /** Sanitized HTML, with placeholders for the URL of the link. */
  body: string | null;
}

type AskedEmail = output<typeof emailFields> | undefined;

/**
 * Checks the mail of an internal caller, without I/O.
 * @throws NestError access_denied for another caller, and those of `checkEmail`
 */
export function readCustomEmail(
  asked: AskedEmail,
  client: Pick<OAuthClient, "emailSenders">,
  caller: Caller,
): CustomEmail | null {
  if (asked !== undefined && caller.kind !== "internal") throw new NestError("access_denied");
  return checkEmail(asked, client);
}

/**
 * Chooses the mail of a link, without I/O: the caller's own for an internal caller. For other callers only if the client registers
 * exactly these texts, else the usual mail: anybody could send anything to anybody in the app's name.
 * @throws NestError those of `checkEmail`
 */
export function chooseEmail(
  asked: AskedEmail,
  client: Pick<OAuthClient, "emailSenders" | "emailTemplates">,
  caller: Caller,
): CustomEmail | null {
  if (asked === undefined) return null;
  const isRegistered = client.emailTemplates.some((template) => isSameEmail(template, asked));
  return caller.kind === "internal" || isRegistered ? checkEmail(asked, client) : null;
}

const isSameEmail = (
  { fromEmail, fromName, subject, body }: EmailTemplate,
  { from_email, from_name, subject: askedSubject, html_body }: NonNullable<AskedEmail>,
): boolean =>
  fromEmail === from_email && fromName === from_name && subject === askedSubject && body === html_body;

/**
 * @throws NestError sender_not_allowed if the client does not list the address; link_placeholder_missing if the body has no link
 *   after what a mail must not contain was removed
 */
function checkEmail(
  asked: AskedEmail,
  { emailSenders }: Pick<OAuthClient, "emailSenders">,
): CustomEmail | null {
  if (asked === undefined) return null;
  const { from_email: fromEmail = null, html_body: html } = asked;
  const isListed = emailSenders.some((sender) => sender.toLowerCase() === fromEmail?.toLowerCase());
  if (fromEmail !== null && !isListed) throw new NestError("sender_not_allowed");
  const body = html === undefined ? null : sanitizeBody(html);
  if (html !== undefined && body === null) throw new NestError("link_placeholder_missing");
  return { fromEmail, fromName: asked.from_name ?? null, subject: asked.subject ?? null, body };
}

/**
 * What a link's mail has in place of the usual.
 * @param link its URL, and the locale of the usual mail
 */
export function changeOf(
  { body, ...change }: CustomEmail,
  { url, locale }: { url: string; locale: string },
): MailChange {
  return { ...change, parts: body === null ? null : renderCustomMail(body, url, locale) };
}
