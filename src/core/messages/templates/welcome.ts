import { html } from "#core/messages/html.ts";
import { button, page } from "#core/messages/layout.ts";
import { type TrialFacts, trialSentences } from "#core/messages/templates/money_facts.ts";
import type { Template } from "#core/messages/templates/template.ts";

const DOWNLOADS = "https://getbeak.app#downloads";
const DOCS = "https://docs.getbeak.app";

interface Words<Variables> {
  subject: string;
  title(variables: Variables): string;
  sample: Variables;
  opening(variables: Variables): string;
}

/** Creates a welcome mail. The two welcome mails differ only in their subject, title and opening. */
function welcomeMail<Variables>({ subject, title, sample, opening }: Words<Variables>): Template<Variables> {
  return {
    subject,
    sample,
    html: (variables) =>
      page({
        title: title(variables),
        preheader: opening(variables),
        body: html`<p style="margin:0 0 16px;">${opening(variables)}</p>
<p style="margin:0;">Sign in with the email address that received this mail. There is no password: we email you a link each time.</p>
${button("Download Beak", DOWNLOADS)}
<p style="margin:0;">New here? <a class="link" href="${DOCS}" style="color:#1d4ed8;">The docs</a> begin with a ten-minute tour.</p>`,
        footer: html`Questions? Write to <a href="mailto:info@getbeak.app" style="color:#555d68;">info@getbeak.app</a>.`,
      }),
    text: (variables) => `${title(variables)}

${opening(variables)}

Sign in with the email address that received this mail. There is no password: we email you a link each time.

Download Beak: ${DOWNLOADS}
New here? The docs begin with a ten-minute tour: ${DOCS}

The Beak flock

--
Questions? Write to info@getbeak.app.
`,
  };
}

export const welcome = welcomeMail<Record<never, never>>({
  subject: "Welcome to Beak!",
  title: () => "Welcome to Beak",
  sample: {},
  opening: () => "Thank you for subscribing. Your account is active.",
});

export const welcomeTrial = welcomeMail<TrialFacts>({
  subject: "Your Beak Trial has begun!",
  title: ({ daysFromFirstUse }) =>
    daysFromFirstUse === null ? "Your Beak trial has begun" : "Your Beak trial is ready",
  sample: {
    endsAt: "2026-12-12T12:00:00.000Z",
    daysFromFirstUse: null,
    charge: { money: { amount: 499, currency: "gbp" } },
  },
  opening: (facts) => ["Thank you for trying Beak.", ...trialSentences(facts)].join(" "),
});
