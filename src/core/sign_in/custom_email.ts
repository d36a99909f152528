import { optional, type output, refine, regex, strictObject } from "zod/mini";
import type { Caller } from "#core/call.ts";
import type { OAuthClient } from "#core/clients/oauth_clients.ts";
import { NestError } from "#core/errors.ts";
import { sanitizeBody } from "#core/messages/custom_mail.ts";
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

/**
 * Checks the mail of an internal caller, without I/O.
 * @throws NestError access_denied for another caller; sender_not_allowed if the client does not list the address;
 *   link_placeholder_missing if the body has no link after what a mail must not contain was removed
 */
export function readCustomEmail(
  asked: output<typeof emailFields> | undefined,
  { emailSenders }: Pick<OAuthClient, "emailSenders">,
  caller: Caller,
): CustomEmail | null {
  if (asked === undefined) return null;
  if (caller.kind !== "internal") throw new NestError("access_denied");
  const { from_email: fromEmail = null, html_body: html } = asked;
  const isListed = emailSenders.some((sender) => sender.toLowerCase() === fromEmail?.toLowerCase());
  if (fromEmail !== null && !isListed) throw new NestError("sender_not_allowed");
  const body = html === undefined ? null : sanitizeBody(html);
  if (html !== undefined && body === null) throw new NestError("link_placeholder_missing");
  return { fromEmail, fromName: asked.from_name ?? null, subject: asked.subject ?? null, body };
}
