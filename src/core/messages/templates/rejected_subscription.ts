import { paragraph } from "#core/messages/mail_content.ts";
import { type RejectionFacts, rejectionSentences } from "#core/messages/templates/money_facts.ts";
import { questions } from "#core/messages/templates/questions.ts";
import type { Template } from "#core/messages/templates/template.ts";

/** Creates a mail about a canceled subscription. Its text follows from the facts. */
function rejectionMail(sample: RejectionFacts): Template<RejectionFacts> {
  return {
    sample,
    write(facts, wording) {
      const { subject, title } = wording.texts[facts.kind];
      const sentences = rejectionSentences(facts, wording);
      return {
        subject: wording.fill(subject),
        title: wording.fill(title),
        preheader: sentences[1] ?? "",
        body: sentences.map((sentence) => paragraph(sentence)),
        footer: questions(wording),
      };
    },
  };
}

const MONTHLY = { interval: "month", intervalCount: 1, boughtAt: "2026-11-28T12:00:00.000Z" } as const;

/** Sent to a user who bought a second subscription, after it was canceled and its payments were refunded. */
export const duplicateSubscription = rejectionMail({
  kind: "duplicate",
  canceled: { ...MONTHLY, hadStarted: true },
  kept: { ...MONTHLY, boughtAt: "2026-03-01T12:00:00.000Z", status: "renewing", endsAt: null },
  refunded: { amount: 499, currency: "gbp" },
  credited: null,
  isCreditOfOtherCustomer: false,
});

/** Sent to a user who bought a subscription in place of another, after the other was canceled. */
export const replacedSubscription = rejectionMail({
  kind: "replaced",
  canceled: { ...MONTHLY, boughtAt: "2026-03-01T12:00:00.000Z", hadStarted: true },
  kept: { ...MONTHLY, interval: "year", status: "renewing", endsAt: null },
  refunded: null,
  credited: { amount: 250, currency: "gbp" },
  isCreditOfOtherCustomer: false,
});
