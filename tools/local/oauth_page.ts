/** The page of the provider double: a form instead of a sign-in. It has no script. */
import { escapeHtml } from "#core/escape_html.ts";

const page = (body: string) =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Provider double</title><body>${body}</body></html>`;

const hidden = (fields: Iterable<[string, string]>) =>
  [...fields]
    .map(([name, value]) => `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`)
    .join("");

/** Asks who signs in. The form leads to the same URL, with the person added. */
export const signInPage = (provider: string, asked: URLSearchParams): string =>
  page(`<h1>${escapeHtml(provider)}</h1><form method="get">${hidden(asked)}
<p><label>Email address <input name="email" type="email" required autofocus></label></p>
<p><label><input name="email_verified" type="checkbox" value="true" checked> Verified</label></p>
<p><button>Agree</button> <button name="answer" value="denied" formnovalidate>Decline</button></p></form>`);

/** Posts an answer to the callback, as Apple does. */
export const postingPage = (url: string, form: string): string =>
  page(`<form method="post" action="${escapeHtml(url)}">${hidden(new URLSearchParams(form))}
<p><button>Continue</button></p></form>`);
