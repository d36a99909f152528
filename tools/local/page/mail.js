/** Emails as a mail program shows them, with links that work on this machine. */
import { isRequestedHere } from "/assets/clients.js";
import { make } from "/assets/dom.js";

const LOOPBACK = ["localhost", "127.0.0.1", "[::1]"];

/** Links with a token, by their `flow`: the page that opens them needs nothing of the page that requested them. */
const TOKEN_FLOWS = ["verify_identifier"];

/**
 * A magic link, or a link with a token: its query without the question mark, and `page`, the URL of the developer's own page that requested the link
 * and finishes the sign-in. `page` is null if this page requested the link, or if the link leads to another machine. Null if
 * the URL is not a magic link.
 */
function readMagicLink(url) {
  if (!URL.canParse(url)) return null;
  const { search, searchParams, hostname } = new URL(url);
  if (searchParams.has("token") && TOKEN_FLOWS.includes(searchParams.get("flow")))
    return { query: search.slice(1), page: LOOPBACK.includes(hostname) ? url : null, hasToken: true };
  if (!searchParams.has("code") || !searchParams.has("state")) return null;
  const isOwnPage = LOOPBACK.includes(hostname) && !isRequestedHere(searchParams.get("state"));
  return { query: search.slice(1), page: isOwnPage ? url : null };
}

/** The magic link in an email's text, or null. */
export function magicLinkIn(text) {
  for (const [url] of text.matchAll(/https?:\S+/g)) {
    const link = readMagicLink(url);
    if (link) return link;
  }
  return null;
}

/**
 * Shows the HTML of an email. Its magic link signs in on this page instead of in the app, unless another page of this machine
 * requested it. That page and every other link open in a new tab. The frame runs no scripts.
 */
export function mailFrame({ subject, html }) {
  const mail = new DOMParser().parseFromString(html, "text/html");
  for (const link of mail.querySelectorAll("a[href]")) {
    const magic = readMagicLink(link.href);
    const isForThisPage = magic !== null && magic.page === null;
    if (isForThisPage) link.href = `${location.origin}/#${magic.query}`;
    link.target = isForThisPage ? "_top" : "_blank";
    link.rel = "noopener";
  }
  const frame = make("iframe", {
    title: `Email: ${subject}`,
    sandbox: "allow-top-navigation-by-user-activation allow-popups allow-popups-to-escape-sandbox",
  });
  frame.srcdoc = `<!doctype html>${mail.documentElement.outerHTML}`;
  return frame;
}
