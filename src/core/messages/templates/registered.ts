import { type Block, paragraph } from "#core/messages/mail_content.ts";
import { questions } from "#core/messages/templates/questions.ts";
import type { Template } from "#core/messages/templates/template.ts";

/** The welcome after a registration, with `options.send_email`. */
export const registered: Template<Record<never, never>> = {
  sample: {},
  write(_variables, wording) {
    const { urls } = wording.app;
    const { subject, title, opening: words } = wording.texts.registered;
    const { download, docs } = wording.texts.welcomes;
    const opening = wording.fill(words);
    const body: Block[] = [paragraph(opening)];
    if (urls.downloads !== null)
      body.push({ kind: "button", button: { label: wording.fill(download), url: urls.downloads } });
    if (urls.docs !== null) body.push({ kind: "paragraph", line: wording.link(docs, urls.docs) });
    return {
      subject: wording.fill(subject),
      title: wording.fill(title),
      preheader: opening,
      body,
      footer: questions(wording),
    };
  },
};
