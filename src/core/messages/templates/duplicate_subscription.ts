import { html } from "#core/messages/html.ts";
import { page } from "#core/messages/layout.ts";
import type { Template } from "#core/messages/templates/template.ts";

/** Sent to a user who bought a second subscription, after it was canceled and refunded. */
export const duplicateSubscription: Template<Record<never, never>> = {
  subject: "Duplicate Beak Subscription",
  sample: {},
  html: () =>
    page({
      title: "You had two subscriptions",
      preheader: "We canceled one of them and refunded it in full.",
      body: html`<p style="margin:0 0 16px;">You can have one Beak subscription at a time, and you had two. We canceled one of them and refunded everything paid for it. The other one is not affected. You do not need to do anything.</p>
<p style="margin:0;">The money is usually back within ten days. Stripe emails you the receipt.</p>`,
      footer: html`Questions? Write to <a href="mailto:info@getbeak.app" style="color:#555d68;">info@getbeak.app</a>.`,
    }),
  text: () => `You had two subscriptions

You can have one Beak subscription at a time, and you had two. We canceled one of them and refunded everything paid for it. The other one is not affected. You do not need to do anything.

The money is usually back within ten days. Stripe emails you the receipt.

The Beak flock

--
Questions? Write to info@getbeak.app.
`,
};
