import { paragraph } from "#core/messages/mail_content.ts";
import { questions } from "#core/messages/templates/questions.ts";
import type { Template } from "#core/messages/templates/template.ts";

/** The notice that an account was deleted. It goes to every verified address, and has no secret. */
export const accountDeleted: Template<{
  /** ISO 8601. */
  deletedAt: string;
}> = {
  sample: { deletedAt: "2026-12-12T12:00:00.000Z" },
  write({ deletedAt }, wording) {
    const texts = wording.texts.accountDeleted;
    const opening = wording.fill(texts.opening, { day: wording.day(deletedAt) });
    const notYou = wording.withAddresses(texts.notYou, { security: wording.app.addresses.security });
    return {
      subject: wording.fill(texts.subject),
      title: wording.fill(texts.title),
      preheader: opening,
      body: [paragraph(opening), paragraph(wording.fill(texts.erasure)), { kind: "paragraph", line: notYou }],
      footer: questions(wording),
    };
  },
};
