import { type Block, paragraph } from "#core/messages/mail_content.ts";
import { questions } from "#core/messages/templates/questions.ts";
import type { Template } from "#core/messages/templates/template.ts";

/** The mail of `send_verification`: a code, or a link. */
export const verifyAddress: Template<{ code: string } | { url: string }> = {
  sample: { code: "042917" },
  write(secret, wording) {
    const texts = wording.texts.verifyAddress;
    const code: Block[] =
      "code" in secret
        ? [paragraph(wording.fill(texts.introCode)), { kind: "code", code: secret.code }]
        : [
            paragraph(wording.fill(texts.introLink)),
            {
              kind: "requestedLink",
              button: { label: wording.fill(texts.button), url: secret.url },
              paste: wording.fill(texts.paste),
            },
          ];
    return {
      subject: wording.fill(texts.subject),
      title: wording.fill(texts.title),
      preheader: wording.fill("code" in secret ? texts.introCode : texts.introLink),
      body: [...code, paragraph(wording.fill(texts.warning))],
      footer: wording.withAddresses(texts.footer, { security: wording.app.addresses.security }),
    };
  },
};

/** What happened to the addresses and numbers of a user. */
export type AddressChange = "added" | "removed" | "primary";

/** The notice that the addresses or numbers of a user changed. It has no secret and names no address. */
export const addressChanged: Template<{
  change: AddressChange;
  /** ISO 8601. */
  changedAt: string;
}> = {
  sample: { change: "added", changedAt: "2026-12-12T12:00:00.000Z" },
  write({ change, changedAt }, wording) {
    const texts = wording.texts.addressChanged;
    const opening = wording.fill(texts[change], { day: wording.day(changedAt) });
    const notYou = wording.withAddresses(texts.notYou, { security: wording.app.addresses.security });
    return {
      subject: wording.fill(texts.subject),
      title: wording.fill(texts.title),
      preheader: opening,
      body: [paragraph(opening), { kind: "paragraph", line: notYou }],
      footer: questions(wording),
    };
  },
};
