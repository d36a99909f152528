import type { MailTexts } from "#core/app/mail_texts.ts";
import { paragraph } from "#core/messages/mail_content.ts";
import type { Template } from "#core/messages/templates/template.ts";

/** Creates a mail with a code that the person enters where they requested it. */
function codeMail(group: "signInCode" | "registrationCode"): Template<{ code: string }> {
  return {
    sample: { code: "042917" },
    write({ code }, wording) {
      const texts: MailTexts["signInCode"] = wording.texts[group];
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
}

/** The mail of `send_otp`. */
export const signInCode = codeMail("signInCode");

/** The mail of `register_user` to an address that is not proved. */
export const registrationCode = codeMail("registrationCode");
