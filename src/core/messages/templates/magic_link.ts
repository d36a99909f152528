import type { MailTexts } from "#core/app/mail_texts.ts";
import { type Block, paragraph } from "#core/messages/mail_content.ts";
import type { Template } from "#core/messages/templates/template.ts";
import type { Wording } from "#core/messages/wording.ts";

interface Variables {
  magicLinkUrl: string;
  /** The code to type on another device, as the mail shows it. Most clients have none. */
  userCode?: string | null;
}

const SAMPLE_QUERY = "code=authzcode_sample.0000&state=%73%2F%31%2B%78";

/** Creates a mail with a magic link. In the text part, the URL has a line of its own, so that it can be pasted. */
function linkMail(
  group: "magicLink" | "trialMagicLink" | "signInLink",
  query: string,
  shown: Pick<Variables, "userCode"> = {},
): Template<Variables> {
  return {
    sample: { magicLinkUrl: `https://magic.example.com/?${query}`, ...shown },
    write({ magicLinkUrl, userCode = null }, wording) {
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
          ...(userCode === null ? [] : userCodeBlocks(userCode, wording)),
        ],
        footer: wording.withAddresses(texts.footer, { security: wording.app.addresses.security }),
      };
    },
  };
}

/** The code beside a link, and the words that nobody asks for it: a stranger may do so by telephone. */
function userCodeBlocks(code: string, wording: Wording): Block[] {
  const { intro, warning } = wording.texts.userCode;
  return [paragraph(wording.fill(intro)), { kind: "code", code }, paragraph(wording.fill(warning))];
}

/** The mail of `send_magic_link` (contract F). */
export const magicLink = linkMail("magicLink", SAMPLE_QUERY, { userCode: "BCDF-GH34" });

/** The mail of `create_trial_and_magic_link`: a magic link that also opens the first steps of the trial. */
export const trialMagicLink = linkMail("trialMagicLink", `${SAMPLE_QUERY}&flow=trial`);

/** The mail of `send_otp` with a link, which works on every device. */
export const signInLink = linkMail(
  "signInLink",
  `token=${"0123456789abcdef".repeat(4)}&flow=sign_in&client_id=client_sample`,
);
