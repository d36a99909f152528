import type { MailTexts } from "#core/app/mail_texts.ts";
import { paragraph } from "#core/messages/mail_content.ts";
import type { Template } from "#core/messages/templates/template.ts";

interface Variables {
  magicLinkUrl: string;
}

/** Creates a mail with a magic link. In the text part, the URL has a line of its own, so that it can be pasted. */
function linkMail(group: "magicLink" | "trialMagicLink", flow: string): Template<Variables> {
  return {
    sample: {
      magicLinkUrl: `https://magic.example.com/?code=authzcode_sample.0000&state=%73%2F%31%2B%78${flow}`,
    },
    write({ magicLinkUrl }, wording) {
      const texts: MailTexts["magicLink"] = wording.texts[group];
      return {
        subject: wording.fill(texts.subject),
        title: wording.fill(texts.title),
        preheader: wording.fill(texts.preheader),
        body: [
          paragraph(wording.fill(texts.intro)),
          {
            kind: "requestedLink",
            button: { label: wording.fill(texts.button), url: magicLinkUrl },
            paste: wording.fill(texts.paste),
          },
        ],
        footer: wording.withAddresses(texts.footer, { security: wording.app.addresses.security }),
      };
    },
  };
}

/** The mail of `send_magic_link` (contract F). */
export const magicLink = linkMail("magicLink", "");

/** The mail of `create_trial_and_magic_link`: a magic link that also opens the first steps of the trial. */
export const trialMagicLink = linkMail("trialMagicLink", "&flow=trial");
