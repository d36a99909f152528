/** Emails as a mail program shows them, with links that work on this machine. */
import { make } from "/assets/dom.js";

/** The query of a magic link, without its question mark; null if the URL is not a magic link. */
function queryOfMagicLink(url) {
  if (!URL.canParse(url)) return null;
  const { search, searchParams } = new URL(url);
  return searchParams.has("code") && searchParams.has("state") ? search.slice(1) : null;
}

/** The query of the magic link in an email's text, or null. */
export function magicLinkIn(text) {
  for (const [url] of text.matchAll(/https?:\S+/g)) {
    const query = queryOfMagicLink(url);
    if (query !== null) return query;
  }
  return null;
}

/**
 * Shows the HTML of an email. Its magic link signs in on this page instead of in the app; every other link opens a new
 * tab. The frame runs no scripts.
 */
export function mailFrame({ subject, html }) {
  const mail = new DOMParser().parseFromString(html, "text/html");
  for (const link of mail.querySelectorAll("a[href]")) {
    const query = queryOfMagicLink(link.href);
    if (query !== null) link.href = `${location.origin}/#${query}`;
    link.target = query === null ? "_blank" : "_top";
    link.rel = "noopener";
  }
  const frame = make("iframe", {
    title: `Email: ${subject}`,
    sandbox: "allow-top-navigation-by-user-activation allow-popups allow-popups-to-escape-sandbox",
  });
  frame.srcdoc = `<!doctype html>${mail.documentElement.outerHTML}`;
  return frame;
}
