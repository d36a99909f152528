import { createHash } from "node:crypto";
import type { APIGatewayProxyEventV2 } from "aws-lambda";
import { isLoopback as isOnThisMachine, type OAuthClient } from "#core/clients/oauth_clients.ts";
import type { NestError } from "#core/errors.ts";
import { escapeHtml } from "#core/escape_html.ts";
import type { AdapterRoute, ForeignError, LinkPages, PageTexts } from "#entry/adapter_declaration.ts";
import { headerOf, type Result } from "#entry/answer.ts";

const STYLE =
  "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:12vh auto;padding:0 1rem}" +
  "h1{font-size:1.5rem}label,input,button{display:block;font:inherit}" +
  "input{width:100%;box-sizing:border-box;padding:.5rem;margin:.25rem 0 1rem}" +
  "button{padding:.6rem 1.2rem;cursor:pointer}";

const STYLE_HASH = createHash("sha256").update(STYLE).digest("base64");

/** A page loads no resources, runs no scripts and can't be framed. It sends no referrer, because its URL has a token. */
const HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
  "referrer-policy": "no-referrer",
  "x-frame-options": "DENY",
};

/** Whether a request gets a page: it comes from a person's browser, and not from a program that reads the answer. */
export function wantsPage({ page }: AdapterRoute, event: APIGatewayProxyEventV2): boolean {
  if (page === undefined) return false;
  const isRead = event.requestContext.http.method === "GET";
  // `*/*` may be a mail scanner, which must not use up the link. The form of the page accepts HTML.
  return isRead ? !wantsJson(event) : /\btext\/html\b/i.test(headerOf(event, "accept") ?? "");
}

/** Whether a request asks for JSON, as programs do and browsers that open a link do not. */
export const wantsJson = (event: APIGatewayProxyEventV2) =>
  /\bapplication\/json\b/i.test(headerOf(event, "accept") ?? "");

/** Puts a page in place of an answer. */
const withPage = (result: Result, html: string): Result => ({
  ...result,
  headers: { ...result.headers, ...HEADERS },
  body: html,
});

const languageOf = ({ locale }: OAuthClient) => (/^de\b/.test(locale) ? "de" : "en");

/** The page whose button sends the POST. */
export function askingPage(result: Result, { asks, hidden = {} }: LinkPages, client: OAuthClient): Result {
  const language = languageOf(client);
  const { title, text, button, password } = asks[language];
  const fields = [
    ...Object.entries(hidden).map(
      ([name, value]) => `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`,
    ),
    ...(password === undefined
      ? []
      : [
          `<label for="password">${escapeHtml(password)}</label>`,
          '<input id="password" name="password" type="password" autocomplete="new-password" required>',
        ]),
    `<button>${escapeHtml(button ?? "")}</button>`,
  ];
  return withPage(
    result,
    document(language, { title, text }, `<form method="post">${fields.join("")}</form>`),
  );
}

/** The page after the POST. @param next the client's own page; null: there is none */
export function donePage(
  result: Result,
  { done }: LinkPages,
  { client, next }: { client: OAuthClient; next: string | null },
): Result {
  const language = languageOf(client);
  const texts = done[language];
  const link =
    next === null || texts.button === null
      ? ""
      : `<p><a href="${escapeHtml(next)}" rel="noreferrer">${escapeHtml(texts.button)}</a></p>`;
  return withPage(result, document(language, texts, link));
}

/** The page for an error. @param next the client's own page, which asks for the second factor; null: there is none */
export function errorPage(result: Result, { text, error }: ForeignError, next: string | null): Result {
  const isSecondStep = /^mfa_(enrollment_)?required$/.test(error.code);
  if (!isSecondStep || next === null)
    return withPage(result, document("en", { title: "This did not work", text }, ""));
  const link = `<p><a href="${escapeHtml(failedUrl(next, error))}" rel="noreferrer">Go on</a></p>`;
  const title = "One more step";
  return withPage(result, document("en", { title, text: "A second factor is needed to sign in." }, link));
}

function document(
  language: string,
  { title, text }: Pick<PageTexts, "title" | "text">,
  content: string,
): string {
  const head = `<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(title)}</title><style>${STYLE}</style>`;
  return `<!doctype html><html lang="${language}"><head>${head}</head><body><main><h1>${escapeHtml(title)}</h1><p>${escapeHtml(text)}</p>${content}</main></body></html>`;
}

/**
 * The client's page with the error code in its query. `mfa_token` is in the fragment, which browsers send to no server and in no
 * referrer.
 */
export function failedUrl(page: string, { code, meta }: Pick<NestError, "code" | "meta">): string {
  const url = new URL(page);
  url.searchParams.set("error", code);
  if (code === "mfa_required" || code === "mfa_enrollment_required")
    url.hash = new URLSearchParams({
      mfa_token: String(meta?.mfa_token),
      factors: JSON.stringify(meta?.factors ?? []),
    }).toString();
  return url.href;
}

/**
 * The page of a client to which people return, on this stage. `redirectUris` can have the pages of several stages: a page on this
 * machine is of the local stack only, and the page of a stage stands after the URL of the adapter on that stage.
 */
export function pageOfClient({ redirectUris, origins }: OAuthClient, baseUrl: string): string | null {
  const { pathname: adapterPath } = new URL(baseUrl);
  const isPage = (uri: string) => !`${new URL(uri).pathname}/`.startsWith(`${adapterPath}/`);
  const firstOf = (uris: readonly string[]) =>
    uris.find((uri) => isPage(uri) && isOnThisMachine(uri) === isOnThisMachine(baseUrl)) ?? null;
  const ofStage = redirectUris.slice(redirectUris.indexOf(baseUrl) + 1);
  return firstOf(ofStage) ?? firstOf(redirectUris) ?? redirectUris.find(isPage) ?? origins[0] ?? null;
}
