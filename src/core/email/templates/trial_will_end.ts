import { html } from "#core/email/html.ts";
import { page } from "#core/email/layout.ts";
import type { Template } from "#core/email/templates/template.ts";

/** The reminder that Stripe's `customer.subscription.trial_will_end` gives rise to. */
export const trialWillEnd: Template<{ endsOn: string }> = {
  subject: "Your Beak trial ends soon",
  sample: { endsOn: "Saturday 12 December 2026" },
  html: ({ endsOn }) =>
    page({
      title: "Your Beak trial ends soon",
      preheader: `Your trial ends on ${endsOn}.`,
      body: html`<p style="margin:0 0 16px;">Your trial ends on ${endsOn}.</p>
<p style="margin:0;">To go on, open Beak, choose your account, then billing, and add a card. If you do nothing the trial ends by itself and nothing is charged.</p>`,
      footer: html`Questions? Write to <a href="mailto:info@getbeak.app" style="color:#555d68;">info@getbeak.app</a>.`,
    }),
  text: ({ endsOn }) => `Your Beak trial ends soon

Your trial ends on ${endsOn}.

To go on, open Beak, choose your account, then billing, and add a card. If you do nothing the trial ends by itself and nothing is charged.

The Beak flock

--
Questions? Write to info@getbeak.app.
`,
};
