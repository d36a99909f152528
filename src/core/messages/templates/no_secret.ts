import { paragraph } from "#core/messages/mail_content.ts";
import type { Template } from "#core/messages/templates/template.ts";
import type { Wording } from "#core/messages/wording.ts";

/** The texts of a mail with two paragraphs and no link and no code. */
interface Note {
  subject: string;
  title: string;
  opening: string;
  advice: string;
  footer: string;
}

function noteTemplate(textsOf: (texts: Wording["texts"]) => Note): Template<Record<never, never>> {
  return {
    sample: {},
    write(_variables, wording) {
      const texts = textsOf(wording.texts);
      const opening = wording.fill(texts.opening);
      return {
        subject: wording.fill(texts.subject),
        title: wording.fill(texts.title),
        preheader: opening,
        body: [paragraph(opening), paragraph(wording.fill(texts.advice))],
        footer: wording.withAddresses(texts.footer, { security: wording.app.addresses.security }),
      };
    },
  };
}

/** The mail of `register_user` to an address that has an account. It has no code. */
export const alreadyRegistered = noteTemplate(({ alreadyRegistered: texts }) => ({
  ...texts,
  advice: texts.forgotten,
}));

/** The mail of `send_password_reset` to an address without an account. */
export const noAccount = noteTemplate(({ noAccount: texts }) => ({ ...texts, advice: texts.otherAddress }));

/** The mail of `send_verification` to an address of another user. */
export const addressInUse = noteTemplate(({ addressInUse: texts }) => ({ ...texts, advice: texts.toAdd }));
