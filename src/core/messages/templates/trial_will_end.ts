import { html } from "#core/messages/html.ts";
import { page } from "#core/messages/layout.ts";
import type { Template } from "#core/messages/templates/template.ts";

interface Variables {
  endsOn: string;
  /** Whether the trial becomes a paid subscription on that day, and the stored card is charged. */
  isCharged: boolean;
}

const SUBJECT = "Your Beak trial ends soon";
const END = "Your trial ends on";
const GOES_ON =
  "Your subscription begins then, and the card that you added is charged. If you don't want that, open Beak, choose your account, then billing, and cancel before that day.";
const STOPS =
  "To go on, open Beak, choose your account, then billing, and renew your plan or add a card. If you do nothing the trial ends by itself and nothing is charged.";

/** The reminder that is sent on Stripe's `customer.subscription.trial_will_end`. */
export const trialWillEnd: Template<Variables> = {
  subject: SUBJECT,
  sample: { endsOn: "Saturday 12 December 2026", isCharged: false },
  html: ({ endsOn, isCharged }) =>
    page({
      title: SUBJECT,
      preheader: `${END} ${endsOn}.`,
      body: html`<p style="margin:0 0 16px;">${END} ${endsOn}.</p>
<p style="margin:0;">${isCharged ? GOES_ON : STOPS}</p>`,
      footer: html`Questions? Write to <a href="mailto:info@getbeak.app" style="color:#555d68;">info@getbeak.app</a>.`,
    }),
  text: ({ endsOn, isCharged }) => `${SUBJECT}

${END} ${endsOn}.

${isCharged ? GOES_ON : STOPS}

The Beak flock

--
Questions? Write to info@getbeak.app.
`,
};
