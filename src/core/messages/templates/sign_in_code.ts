import { paragraph } from "#core/messages/mail_content.ts";
import type { Template } from "#core/messages/templates/template.ts";

/** The mail of `send_otp`: a code that the person enters where they requested it. */
export const signInCode: Template<{ code: string }> = {
  sample: { code: "042917" },
  write({ code }, wording) {
    const texts = wording.texts.signInCode;
    return {
      subject: wording.fill(texts.subject, { code }),
      title: wording.fill(texts.title),
      preheader: wording.fill(texts.preheader, { code }),
      body: [
        paragraph(wording.fill(texts.intro)),
        { kind: "code", code },
        paragraph(wording.fill(texts.warning)),
      ],
      footer: wording.withAddresses(texts.footer, { security: wording.app.addresses.security }),
    };
  },
};
