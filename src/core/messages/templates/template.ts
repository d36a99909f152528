import type { MailContent } from "#core/messages/mail_content.ts";
import type { Wording } from "#core/messages/wording.ts";

/** A kind of mail. */
export interface Template<Variables> {
  /** Example values for the preview. */
  sample: Variables;
  /** Says what the mail says, in the locale of the wording. */
  write(variables: Variables, wording: Wording): MailContent;
}
