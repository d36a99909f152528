import type { Line } from "#core/messages/mail_content.ts";
import type { Wording } from "#core/messages/wording.ts";

/** The footer that says where to ask. */
export const questions = (wording: Wording): Line =>
  wording.withAddresses(wording.texts.footer.questions, { support: wording.app.addresses.support });
