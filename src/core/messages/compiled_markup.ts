/** The markup of mails. `npm run docs` compiles it from tools/mails/mail.mjml. Do not edit: change that file. */
export const MARKUP = {
  start: `<!doctype html>
<html lang="{{lang}}" dir="{{dir}}" xmlns="http://www.w3.org/1999/xhtml" xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office">
<head><title>{{title}}</title><!--[if !mso]><!--><meta http-equiv="X-UA-Compatible" content="IE=edge"><!--<![endif]--><meta http-equiv="Content-Type" content="text/html; charset=UTF-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><style type="text/css">#outlook a { padding:0; }body { margin:0;padding:0;-webkit-text-size-adjust:100%;-ms-text-size-adjust:100%; }
table, td { border-collapse:collapse;mso-table-lspace:0pt;mso-table-rspace:0pt; }img { border:0;height:auto;line-height:100%; outline:none;text-decoration:none;-ms-interpolation-mode:bicubic; }
p { display:block;margin:13px 0; }</style><!--[if mso]><noscript><xml><o:OfficeDocumentSettings><o:AllowPNG/><o:PixelsPerInch>96</o:PixelsPerInch></o:OfficeDocumentSettings>
</xml></noscript><![endif]--><!--[if lte mso 11]><style type="text/css">.mj-outlook-group-fix { width:100% !important; }</style><![endif]--><style type="text/css">
@media only screen and (min-width:480px) {.mj-column-per-100 { width:100% !important; max-width: 100%; }}</style><style media="screen and (min-width:480px)">.moz-text-html .mj-column-per-100 { width:100% !important; max-width: 100%; }
</style><style type="text/css">:root { color-scheme: light dark; supported-color-schemes: light dark; }@media (prefers-color-scheme: dark) {.page, .page > div { background-color: #14161a !important; }
.card, .card > table { background: #1f2329 !important; background-color: #1f2329 !important; }.card > table > tbody > tr > td { border-color: #343a43 !important; }
.brand div, .text div, .text h1 { color: #f1f3f5 !important; }.quiet div, .quiet a { color: #b3bac4 !important; }.link { color: {{accentDark}} !important; }.button td { background: {{accentDark}} !important; background-color: {{accentDark}} !important; }
.button a { background: {{accentDark}} !important; background-color: {{accentDark}} !important; color: {{onAccentDark}} !important; }}</style><meta name="color-scheme" content="light dark" />
<meta name="supported-color-schemes" content="light dark" /></head><body class="page" style="word-spacing:normal;background-color:#f3f4f6;"><div style="display:none;font-size:1px;color:#ffffff;line-height:1px;max-height:0px;max-width:0px;opacity:0;overflow:hidden;">{{preheader}}</div>
<div aria-label="{{title}}" aria-roledescription="email" role="article" lang="{{lang}}" dir="{{dir}}" style="word-spacing:normal;background-color:#f3f4f6;"><!--[if mso | IE]><table align="center" border="0" cellpadding="0" cellspacing="0" class="" role="presentation" style="width:552px;" width="552"><tr><td style="line-height:0px;font-size:0px;mso-line-height-rule:exactly;"><![endif]-->
<div style="margin:0px auto;max-width:552px;"><table align="center" border="0" cellpadding="0" cellspacing="0" role="presentation" style="width:100%;"><tbody><tr>
<td style="direction:{{dir}};font-size:0px;padding:32px 16px 12px;text-align:center;"><!--[if mso | IE]><table role="presentation" border="0" cellpadding="0" cellspacing="0"><tr><td class="" style="vertical-align:top;width:520px;"><![endif]-->
<div class="mj-column-per-100 mj-outlook-group-fix" style="font-size:0px;text-align:{{side}};direction:{{dir}};display:inline-block;vertical-align:top;width:100%;"><table border="0" cellpadding="0" cellspacing="0" role="presentation" width="100%">
<tbody><tr><td style="vertical-align:top;padding:0;"><table border="0" cellpadding="0" cellspacing="0" role="presentation" style="" width="100%"><tbody><tr><td align="{{side}}" class="brand" style="font-size:0px;padding:0 32px;word-break:break-word;">
<div style="font-family:-apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif;font-size:16px;font-weight:600;line-height:1.55;text-align:{{side}};color:#1c2026;">{{brand}}</div>
</td></tr></tbody></table></td></tr></tbody></table></div><!--[if mso | IE]></td></tr></table><![endif]--></td></tr></tbody></table></div><!--[if mso | IE]></td></tr></table><table align="center" border="0" cellpadding="0" cellspacing="0" class="" role="presentation" style="width:552px;" width="552"><tr><td style="line-height:0px;font-size:0px;mso-line-height-rule:exactly;"><![endif]-->
<div style="margin:0px auto;max-width:552px;"><table align="center" border="0" cellpadding="0" cellspacing="0" role="presentation" style="width:100%;"><tbody><tr>
<td style="direction:{{dir}};font-size:0px;padding:0 16px;text-align:center;"><!--[if mso | IE]><table role="presentation" border="0" cellpadding="0" cellspacing="0"><tr><td class="card-outlook" width="552px"><table align="center" border="0" cellpadding="0" cellspacing="0" class="card-outlook" role="presentation" style="width:520px;" width="520" bgcolor="#ffffff"><tr><td style="line-height:0px;font-size:0px;mso-line-height-rule:exactly;"><![endif]-->
<div class="card" style="background:#ffffff;background-color:#ffffff;margin:0px auto;max-width:520px;border-radius:12px;overflow:hidden;"><table align="center" border="0" cellpadding="0" cellspacing="0" role="presentation" style="background:#ffffff;background-color:#ffffff;width:100%;border-collapse:separate;">
<tbody><tr><td style="border:1px solid #e1e4e8;border-radius:12px;direction:{{dir}};font-size:0px;padding:32px 32px 16px;text-align:center;"><!--[if mso | IE]><table role="presentation" border="0" cellpadding="0" cellspacing="0"><tr><td class="" style="vertical-align:top;width:454px;"><![endif]-->
<div class="mj-column-per-100 mj-outlook-group-fix" style="font-size:0px;text-align:{{side}};direction:{{dir}};display:inline-block;vertical-align:top;width:100%;"><table border="0" cellpadding="0" cellspacing="0" role="presentation" width="100%">
<tbody><tr><td style="vertical-align:top;padding:0;"><table border="0" cellpadding="0" cellspacing="0" role="presentation" style="" width="100%"><tbody><tr><td align="{{side}}" class="text" style="font-size:0px;padding:0 0 16px;word-break:break-word;">
<div style="font-family:-apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif;font-size:16px;line-height:1.55;text-align:{{side}};color:#1c2026;"><h1 style="margin:0;font-size:22px;line-height:1.3;font-weight:600;">{{title}}</h1></div>
</td></tr>`,

  end: `<tr><td align="{{side}}" class="text" style="font-size:0px;padding:8px 0 16px;word-break:break-word;"><div style="font-family:-apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif;font-size:16px;line-height:1.55;text-align:{{side}};color:#1c2026;">{{signOff}}</div>
</td></tr></tbody></table></td></tr></tbody></table></div><!--[if mso | IE]></td></tr></table><![endif]--></td></tr></tbody></table></div><!--[if mso | IE]></td></tr></table></td></tr></table><![endif]-->
</td></tr></tbody></table></div><!--[if mso | IE]></td></tr></table><table align="center" border="0" cellpadding="0" cellspacing="0" class="" role="presentation" style="width:552px;" width="552"><tr><td style="line-height:0px;font-size:0px;mso-line-height-rule:exactly;"><![endif]-->
<div style="margin:0px auto;max-width:552px;"><table align="center" border="0" cellpadding="0" cellspacing="0" role="presentation" style="width:100%;"><tbody><tr>
<td style="direction:{{dir}};font-size:0px;padding:16px 16px 32px;text-align:center;"><!--[if mso | IE]><table role="presentation" border="0" cellpadding="0" cellspacing="0"><tr><td class="" style="vertical-align:top;width:520px;"><![endif]-->
<div class="mj-column-per-100 mj-outlook-group-fix" style="font-size:0px;text-align:{{side}};direction:{{dir}};display:inline-block;vertical-align:top;width:100%;"><table border="0" cellpadding="0" cellspacing="0" role="presentation" width="100%">
<tbody><tr><td style="vertical-align:top;padding:0;"><table border="0" cellpadding="0" cellspacing="0" role="presentation" style="" width="100%"><tbody><tr><td align="{{side}}" class="quiet" style="font-size:0px;padding:0 32px;word-break:break-word;">
<div style="font-family:-apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif;font-size:13px;line-height:1.5;text-align:{{side}};color:#555d68;">{{footer}}</div>
</td></tr></tbody></table></td></tr></tbody></table></div><!--[if mso | IE]></td></tr></table><![endif]--></td></tr></tbody></table></div><!--[if mso | IE]></td></tr></table><![endif]-->
</div></body></html>`,

  paragraph: `<tr><td align="{{side}}" class="text" style="font-size:0px;padding:0 0 16px;word-break:break-word;"><div style="font-family:-apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif;font-size:16px;line-height:1.55;text-align:{{side}};color:#1c2026;">{{content}}</div>
</td></tr>`,

  button: `<tr><td align="{{side}}" class="button" style="font-size:0px;padding:8px 0 24px;word-break:break-word;"><table border="0" cellpadding="0" cellspacing="0" role="presentation" style="border-collapse:separate;line-height:100%;">
<tbody><tr><td align="center" bgcolor="{{accent}}" role="presentation" style="border:none;border-radius:8px;cursor:auto;mso-padding-alt:13px 22px;background:{{accent}};" valign="middle">
<a href="{{url}}" style="display:inline-block;background:{{accent}};color:{{onAccent}};font-family:-apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif;font-size:16px;font-weight:600;line-height:120%;margin:0;text-decoration:none;text-transform:none;padding:13px 22px;mso-padding-alt:0px;border-radius:8px;" target="_blank">
{{label}}</a></td></tr></tbody></table></td></tr>`,

  requestedLink: `<tr><td align="{{side}}" class="button" style="font-size:0px;padding:8px 0 24px;word-break:break-word;">
<table border="0" cellpadding="0" cellspacing="0" role="presentation" style="border-collapse:separate;line-height:100%;"><tbody><tr><td align="center" bgcolor="{{accent}}" role="presentation" style="border:none;border-radius:8px;cursor:auto;mso-padding-alt:13px 22px;background:{{accent}};" valign="middle">
<a href="{{url}}" style="display:inline-block;background:{{accent}};color:{{onAccent}};font-family:-apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif;font-size:16px;font-weight:600;line-height:120%;margin:0;text-decoration:none;text-transform:none;padding:13px 22px;mso-padding-alt:0px;border-radius:8px;" target="_blank">
{{label}}</a></td></tr></tbody></table></td></tr><tr><td align="{{side}}" class="text" style="font-size:0px;padding:0 0 8px;word-break:break-word;"><div style="font-family:-apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif;font-size:16px;line-height:1.55;text-align:{{side}};color:#1c2026;">{{paste}}</div>
</td></tr><tr><td align="{{side}}" class="text" style="font-size:0px;padding:0 0 16px;word-break:break-word;"><div style="font-family:-apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif;font-size:14px;line-height:1.45;text-align:{{side}};color:#1c2026;"><a class="link" href="{{url}}" style="color:{{accent}};word-break:break-all;">{{url}}</a></div>
</td></tr>`,

  code: `<tr><td align="{{side}}" class="text" style="font-size:0px;padding:8px 0 24px;word-break:break-word;"><div style="font-family:-apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif;font-size:32px;font-weight:700;letter-spacing:6px;line-height:1.2;text-align:{{side}};color:#1c2026;">{{code}}</div>
</td></tr>`,

  link: `<a class="link" href="{{url}}" style="color:{{accent}};">{{label}}</a>`,

  quietLink: `<a href="{{url}}" style="color:#555d68;">{{label}}</a>`,
} as const;
