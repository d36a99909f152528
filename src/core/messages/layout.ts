import { type Html, html } from "#core/messages/html.ts";

/** The parts of a mail. */
export interface Page {
  title: string;
  /** The preview text that mail clients show next to the subject. */
  preheader: string;
  body: Html;
  /** Text below the card, in small type. */
  footer: Html;
}

const FONT = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif";

/**
 * The HTML frame of every mail. It is one column of tables with inline styles, which the large mail clients render alike,
 * with a dark palette for clients in dark mode.
 */
export function page({ title, preheader, body, footer }: Page): string {
  return html`<!doctype html>
<html lang="en" dir="ltr">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>${title}</title>
<style>
:root { color-scheme: light dark; }
@media (prefers-color-scheme: dark) {
  .page { background: #14161a !important; }
  .card { background: #1f2329 !important; border-color: #343a43 !important; }
  .text { color: #f1f3f5 !important; }
  .quiet, .quiet a { color: #b3bac4 !important; }
  .link { color: #8ab4ff !important; }
}
</style>
</head>
<body class="page" style="margin:0;padding:0;background:#f3f4f6;">
<div style="display:none;max-height:0;overflow:hidden;opacity:0;">${preheader}</div>
<table role="presentation" class="page" width="100%" cellpadding="0" cellspacing="0" border="0" style="background:#f3f4f6;">
<tr><td align="center" style="padding:32px 16px;">
<table role="presentation" class="card" width="100%" cellpadding="0" cellspacing="0" border="0" style="max-width:520px;background:#ffffff;border:1px solid #e1e4e8;border-radius:12px;">
<tr><td class="text" style="padding:32px;${FONT};font-size:16px;line-height:1.55;color:#1c2026;">
<h1 class="text" style="margin:0 0 16px;${FONT};font-size:22px;line-height:1.3;color:#1c2026;">${title}</h1>
${body}
<p class="text" style="margin:24px 0 0;">The Beak flock</p>
</td></tr>
</table>
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="max-width:520px;">
<tr><td class="quiet" style="padding:16px 32px;${FONT};font-size:13px;line-height:1.5;color:#555d68;">${footer}</td></tr>
</table>
</td></tr>
</table>
</body>
</html>
`.markup;
}

/** The call to action of a mail. */
export function button(label: string, url: string): Html {
  return html`<table role="presentation" cellpadding="0" cellspacing="0" border="0" style="margin:24px 0;"><tr><td style="border-radius:8px;background:#1d4ed8;"><a href="${url}" style="display:inline-block;padding:13px 22px;font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;font-size:16px;font-weight:600;line-height:1;color:#ffffff;text-decoration:none;">${label}</a></td></tr></table>`;
}
