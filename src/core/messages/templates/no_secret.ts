import { paragraph } from "#core/messages/mail_content.ts";
import type { Template } from "#core/messages/templates/template.ts";

/** The mail of `register_user` to an address that has an account. It has no code. */
export const alreadyRegistered: Template<Record<never, never>> = {
  sample: {},
  write(_variables, wording) {
    const texts = wording.texts.alreadyRegistered;
    const opening = wording.fill(texts.opening);
    return {
      subject: wording.fill(texts.subject),
      title: wording.fill(texts.title),
      preheader: opening,
      body: [paragraph(opening), paragraph(wording.fill(texts.forgotten))],
      footer: wording.withAddresses(texts.footer, { security: wording.app.addresses.security }),
    };
  },
};

/** The mail of `send_password_reset` to an address without an account. */
export const noAccount: Template<Record<never, never>> = {
  sample: {},
  write(_variables, wording) {
    const texts = wording.texts.noAccount;
    const opening = wording.fill(texts.opening);
    return {
      subject: wording.fill(texts.subject),
      title: wording.fill(texts.title),
      preheader: opening,
      body: [paragraph(opening), paragraph(wording.fill(texts.otherAddress))],
      footer: wording.withAddresses(texts.footer, { security: wording.app.addresses.security }),
    };
  },
};
