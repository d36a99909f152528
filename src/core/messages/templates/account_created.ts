import { type Block, paragraph } from "#core/messages/mail_content.ts";
import type { Template } from "#core/messages/templates/template.ts";

/** The mail to a person for whom an administrator created an account. */
interface AccountCreated {
  /** With its token; null: the mail only tells the person of the account. */
  link: { url: string; opens: "password" | "proof" } | null;
}

export const accountCreated: Template<AccountCreated> = {
  sample: {
    link: {
      url: `https://magic.example.com/?token=${"0".repeat(64)}&flow=reset_password`,
      opens: "password",
    },
  },
  write({ link }, wording) {
    const texts = wording.texts.accountCreated;
    const opening = wording.fill(texts.opening);
    const body: Block[] = [paragraph(opening)];
    if (link !== null) {
      const isPassword = link.opens === "password";
      const label = wording.fill(isPassword ? texts.choosePassword : texts.confirm);
      body.push(
        paragraph(wording.fill(isPassword ? texts.forPassword : texts.forProof)),
        { kind: "requestedLink", button: { label, url: link.url }, paste: wording.fill(texts.paste) },
        paragraph(wording.fill(texts.warning)),
      );
    }
    return {
      subject: wording.fill(texts.subject),
      title: wording.fill(texts.title),
      preheader: opening,
      body,
      footer: wording.withAddresses(texts.footer, { security: wording.app.addresses.security }),
    };
  },
};
