import { paragraph } from "#core/messages/mail_content.ts";
import { questions } from "#core/messages/templates/questions.ts";
import type { Template } from "#core/messages/templates/template.ts";

interface Variables {
  /** ISO 8601. */
  endsAt: string;
  /** Whether the trial becomes a paid subscription on that day, and the stored card is charged. */
  isCharged: boolean;
}

/** The reminder that is sent on Stripe's `customer.subscription.trial_will_end`. */
export const trialWillEnd: Template<Variables> = {
  sample: { endsAt: "2026-12-12T12:00:00.000Z", isCharged: false },
  write({ endsAt, isCharged }, wording) {
    const texts = wording.texts.trialWillEnd;
    const subject = wording.fill(texts.subject);
    const ends = wording.fill(texts.ends, { day: wording.day(endsAt) });
    return {
      subject,
      title: subject,
      preheader: ends,
      body: [paragraph(ends), paragraph(wording.fill(isCharged ? texts.charged : texts.notCharged))],
      footer: questions(wording),
    };
  },
};
