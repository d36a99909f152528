import { type Block, type MailContent, paragraph } from "#core/messages/mail_content.ts";
import { type TrialFacts, trialSentences } from "#core/messages/templates/money_facts.ts";
import { questions } from "#core/messages/templates/questions.ts";
import type { Template } from "#core/messages/templates/template.ts";
import type { Wording } from "#core/messages/wording.ts";

interface Words {
  subject: string;
  title: string;
  opening: string;
}

/** The content of a welcome. The two welcomes differ only in these words. */
function welcomeContent({ opening, ...words }: Words, wording: Wording): MailContent {
  const { urls } = wording.app;
  const { signIn, download, docs } = wording.texts.welcomes;
  const body: Block[] = [paragraph(opening), paragraph(wording.fill(signIn))];
  if (urls.downloads !== null)
    body.push({ kind: "button", button: { label: wording.fill(download), url: urls.downloads } });
  if (urls.docs !== null) body.push({ kind: "paragraph", line: wording.link(docs, urls.docs) });
  return { ...words, preheader: opening, body, footer: questions(wording) };
}

/** Sent after a purchase. */
export const welcome: Template<Record<never, never>> = {
  sample: {},
  write(_variables, wording) {
    const { subject, title, opening } = wording.texts.welcome;
    const words = {
      subject: wording.fill(subject),
      title: wording.fill(title),
      opening: wording.fill(opening),
    };
    return welcomeContent(words, wording);
  },
};

/** Sent at the beginning of a trial. */
export const welcomeTrial: Template<TrialFacts> = {
  sample: {
    endsAt: "2026-12-12T12:00:00.000Z",
    daysFromFirstUse: null,
    charge: { money: { amount: 499, currency: "gbp" } },
  },
  write(facts, wording) {
    const { subject, title, titleUnused, opening } = wording.texts.welcomeTrial;
    const words = {
      subject: wording.fill(subject),
      title: wording.fill(facts.daysFromFirstUse === null ? title : titleUnused),
      opening: [wording.fill(opening), ...trialSentences(facts, wording)].join(" "),
    };
    return welcomeContent(words, wording);
  },
};
