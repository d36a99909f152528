import { Html, html } from "#core/messages/html.ts";
import { page } from "#core/messages/layout.ts";
import { type RejectionFacts, rejectionSentences } from "#core/messages/templates/money_facts.ts";
import type { Template } from "#core/messages/templates/template.ts";

interface Words {
  subject: string;
  title: string;
  sample: RejectionFacts;
}

/** Creates a mail about a canceled subscription. Its text follows from the facts. */
function rejectionMail({ subject, title, sample }: Words): Template<RejectionFacts> {
  return {
    subject,
    sample,
    html: (facts) => {
      const sentences = rejectionSentences(facts);
      const paragraphs = sentences.map((sentence) => html`<p style="margin:0 0 16px;">${sentence}</p>`);
      return page({
        title,
        preheader: sentences[1] ?? "",
        body: new Html(paragraphs.map(({ markup }) => markup).join("\n")),
        footer: html`Questions? Write to <a href="mailto:info@getbeak.app" style="color:#555d68;">info@getbeak.app</a>.`,
      });
    },
    text: (facts) => `${title}

${rejectionSentences(facts).join("\n\n")}

The Beak flock

--
Questions? Write to info@getbeak.app.
`,
  };
}

const MONTHLY = { interval: "month", intervalCount: 1, boughtAt: "2026-11-28T12:00:00.000Z" } as const;

/** Sent to a user who bought a second subscription, after it was canceled and its payments were refunded. */
export const duplicateSubscription = rejectionMail({
  subject: "Duplicate Beak Subscription",
  title: "You had two subscriptions",
  sample: {
    kind: "duplicate",
    canceled: { ...MONTHLY, hadStarted: true },
    kept: { ...MONTHLY, boughtAt: "2026-03-01T12:00:00.000Z", status: "renewing", endsAt: null },
    refunded: { amount: 499, currency: "gbp" },
    credited: null,
    isCreditOfOtherCustomer: false,
  },
});

/** Sent to a user who bought a subscription in place of another, after the other was canceled. */
export const replacedSubscription = rejectionMail({
  subject: "Your Beak subscription was replaced",
  title: "Your new subscription replaces the old one",
  sample: {
    kind: "replaced",
    canceled: { ...MONTHLY, boughtAt: "2026-03-01T12:00:00.000Z", hadStarted: true },
    kept: { ...MONTHLY, interval: "year", status: "renewing", endsAt: null },
    refunded: null,
    credited: { amount: 250, currency: "gbp" },
    isCreditOfOtherCustomer: false,
  },
});
