import { paragraph } from "#core/messages/mail_content.ts";
import { questions } from "#core/messages/templates/questions.ts";
import type { Template } from "#core/messages/templates/template.ts";

/** What was changed: a factor, or the recovery codes. */
export type MfaChange = "added" | "removed" | "codes";

/** The notice that the second factors of a user were changed. It has no secret. */
export const mfaChanged: Template<{
  change: MfaChange;
  /** ISO. */
  at: string;
}> = {
  sample: { change: "added", at: "2026-12-12T12:00:00.000Z" },
  write({ change, at }, wording) {
    const texts = wording.texts.mfaChanged;
    const opening = wording.fill(texts[change], { day: wording.day(at), time: at.slice(11, 16) });
    return {
      subject: wording.fill(texts.subject),
      title: wording.fill(texts.title),
      preheader: opening,
      body: [
        paragraph(opening),
        {
          kind: "paragraph",
          line: wording.withAddresses(texts.notYou, { security: wording.app.addresses.security }),
        },
      ],
      footer: questions(wording),
    };
  },
};

/** The notice that a recovery code took the place of a second factor. */
export const recoveryCodeUsed: Template<{
  /** ISO. */
  at: string;
  /** Codes that can still be used. */
  left: number;
}> = {
  sample: { at: "2026-12-12T12:00:00.000Z", left: 9 },
  write({ at, left }, wording) {
    const texts = wording.texts.recoveryCodeUsed;
    const opening = wording.fill(texts.opening, { day: wording.day(at), time: at.slice(11, 16) });
    return {
      subject: wording.fill(texts.subject),
      title: wording.fill(texts.title),
      preheader: opening,
      body: [
        paragraph(opening, wording.fillPlural(texts.left, left)),
        {
          kind: "paragraph",
          line: wording.withAddresses(texts.notYou, { security: wording.app.addresses.security }),
        },
      ],
      footer: questions(wording),
    };
  },
};
