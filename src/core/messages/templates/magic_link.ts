import { html } from "#core/messages/html.ts";
import { button, page } from "#core/messages/layout.ts";
import type { Template } from "#core/messages/templates/template.ts";

/** The mail of `send_magic_link` (contract F). The text part has the URL unescaped, so that it can be pasted. */
export const magicLink: Template<{ magicLinkUrl: string }> = {
  subject: "🐦 Your Beak Magic Link!",
  sample: { magicLinkUrl: "https://magic.getbeak.app/?code=authzcode_sample.0000&state=%73%2F%31%2B%78" },
  html: ({ magicLinkUrl }) =>
    page({
      title: "Sign in to Beak",
      preheader: "Here is your sign-in link. It works once, for 20 minutes.",
      body: html`<p style="margin:0;">Use this link to sign in on the device where you requested it. It works once, for 20 minutes.</p>
${button("Sign in to Beak", magicLinkUrl)}
<p style="margin:0 0 8px;">If the button does nothing, paste this into your browser:</p>
<p style="margin:0;font-size:14px;line-height:1.45;word-break:break-all;"><a class="link" href="${magicLinkUrl}" style="color:#1d4ed8;">${magicLinkUrl}</a></p>`,
      footer: html`Did you not request this link? It works only on the device that requested it, so you can ignore this mail, or report it to <a href="mailto:security@getbeak.app" style="color:#555d68;">security@getbeak.app</a>.`,
    }),
  text: ({ magicLinkUrl }) => `Sign in to Beak

Follow this link, or paste it into your browser, on the device where you requested it. It works once, for 20 minutes.

${magicLinkUrl}

The Beak flock

--
Did you not request this link? It works only on the device that requested it, so you can ignore this mail, or report it to security@getbeak.app.
`,
};
