import { paragraph } from "#core/messages/mail_content.ts";
import type { Template } from "#core/messages/templates/template.ts";

/** The mail that invites a person to the account of others. It has no text that somebody typed. */
interface AccountInvite {
  /** The link, with its token. */
  url: string;
  /** The proved email address of the inviting person; null: they have none. */
  inviter: string | null;
}

export const accountInvite: Template<AccountInvite> = {
  sample: {
    url: `https://magic.example.com/?token=${"0".repeat(64)}&flow=account_invite`,
    inviter: "grace@example.com",
  },
  write({ url, inviter }, wording) {
    const texts = wording.texts.accountInvite;
    const opening =
      inviter === null ? wording.fill(texts.opening) : wording.fill(texts.openingBy, { inviter });
    const button = { label: wording.fill(texts.button), url };
    return {
      subject: wording.fill(texts.subject),
      title: wording.fill(texts.title),
      preheader: opening,
      body: [
        paragraph(opening, wording.fill(texts.intro)),
        { kind: "requestedLink", button, paste: wording.fill(texts.paste) },
        paragraph(wording.fill(texts.warning)),
      ],
      footer: wording.withAddresses(texts.footer, { security: wording.app.addresses.security }),
    };
  },
};
