import { html } from "#core/messages/html.ts";
import { button, page } from "#core/messages/layout.ts";
import type { Template } from "#core/messages/templates/template.ts";

/** The mail of `create_trial_and_magic_link`: a magic link that also opens the first steps of the trial. */
export const trialMagicLink: Template<{ magicLinkUrl: string }> = {
  subject: "🐦 Start your Beak trial",
  sample: {
    magicLinkUrl: "https://magic.getbeak.app/?code=authzcode_sample.0000&state=%73%2F%31%2B%78&flow=trial",
  },
  html: ({ magicLinkUrl }) =>
    page({
      title: "Start your Beak trial",
      preheader: "Your trial is ready. This link opens it; it works once, for 20 minutes.",
      body: html`<p style="margin:0;">Your trial is ready. Use this link on the device where you requested it: it signs you in, with no password and no card. It works once, for 20 minutes.</p>
${button("Start my trial", magicLinkUrl)}
<p style="margin:0 0 8px;">If the button does nothing, paste this into your browser:</p>
<p style="margin:0;font-size:14px;line-height:1.45;word-break:break-all;"><a class="link" href="${magicLinkUrl}" style="color:#1d4ed8;">${magicLinkUrl}</a></p>`,
      footer: html`Did you not request a trial? The link works only on the device that requested it, and you can still start your own trial. You can ignore this mail, or report it to <a href="mailto:security@getbeak.app" style="color:#555d68;">security@getbeak.app</a>.`,
    }),
  text: ({ magicLinkUrl }) => `Start your Beak trial

Your trial is ready. Follow this link, or paste it into your browser, on the device where you requested it: it signs you in, with no password and no card. It works once, for 20 minutes.

${magicLinkUrl}

The Beak flock

--
Did you not request a trial? The link works only on the device that requested it, and you can still start your own trial. You can ignore this mail, or report it to security@getbeak.app.
`,
};
