import { paragraph } from "#core/messages/mail_content.ts";
import { questions } from "#core/messages/templates/questions.ts";
import type { Template } from "#core/messages/templates/template.ts";

interface Reset {
  /** The link, with its token. */
  url: string;
  /** The code for a person who reads the mail on another device. */
  code: string;
}

/** The mail of `send_password_reset`: a link, and a code that the person enters where they asked for it. */
export const resetPassword: Template<Reset> = {
  sample: { url: `https://magic.example.com/?token=${"0".repeat(64)}&flow=reset_password`, code: "042917" },
  write({ url, code }, wording) {
    const texts = wording.texts.resetPassword;
    return {
      subject: wording.fill(texts.subject),
      title: wording.fill(texts.title),
      preheader: wording.fill(texts.preheader),
      body: [
        paragraph(wording.fill(texts.intro)),
        {
          kind: "requestedLink",
          button: { label: wording.fill(texts.button), url },
          paste: wording.fill(texts.paste),
        },
        paragraph(wording.fill(texts.orCode)),
        { kind: "code", code },
        paragraph(wording.fill(texts.warning)),
      ],
      footer: wording.withAddresses(texts.footer, { security: wording.app.addresses.security }),
    };
  },
};

/** The notice that a password was changed. It goes to every verified address of the user, and has no secret. */
export const passwordChanged: Template<{
  /** ISO 8601. */
  changedAt: string;
}> = {
  sample: { changedAt: "2026-12-12T12:00:00.000Z" },
  write({ changedAt }, wording) {
    const texts = wording.texts.passwordChanged;
    const opening = wording.fill(texts.opening, { day: wording.day(changedAt) });
    return {
      subject: wording.fill(texts.subject),
      title: wording.fill(texts.title),
      preheader: opening,
      body: [
        paragraph(opening, wording.fill(texts.signedOut)),
        {
          kind: "paragraph",
          line: wording.withAddresses(texts.notYou, { security: wording.app.addresses.security }),
        },
      ],
      footer: questions(wording),
    };
  },
};
