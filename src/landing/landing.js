// biome-ignore lint/style/noRestrictedImports: the browser finds the file beside this one
import { offerPasskey } from "./passkey.js";
// biome-ignore lint/style/noRestrictedImports: the browser finds the file beside this one
import { plainQuery, readAppLink, readLink, readOauthError, tokenOf, valueIn } from "./read_link.js";
// biome-ignore lint/style/noRestrictedImports: the browser finds the file beside this one
import { offerReset } from "./reset_password.js";

// The page that the links of mails open. It sends no request before a person presses a button, so that a mail scanner that
// opens the link does not redeem it.
/** A link with a token, and the button of the page that sends the token to the API. */
const TOKEN_LINKS = [
  {
    ...{ section: "disown-session", button: "disown", method: "disown_session", title: "disownTitle" },
    ...{ done: "disowned", failed: "disownFailed" },
    bodyIn: (query) => {
      const token = valueIn(query, "disown", "[\\da-f]{64}");
      return token && { token };
    },
  },
  {
    ...{ section: "verify-identifier", button: "verify", method: "verify_identifier", title: "verifyTitle" },
    ...{ done: "verified", failed: "verifyFailed" },
    bodyIn: (query) => tokenOf(query, "verify_identifier"),
  },
  {
    ...{ section: "reset-password", title: "resetTitle", offer: offerReset },
    bodyIn: (query) => tokenOf(query, "reset_password"),
  },
  {
    ...{ section: "use-passkey", title: "passkeyTitle", offer: offerPasskey },
    bodyIn: () => {
      // The app opens this link itself, so no mail program has changed it. A fragment is sent to no server.
      const asked = location.hash.replace("#", "?");
      const passkey = valueIn(asked, "passkey", "[\\w-]+");
      const state = valueIn(asked, "state", "[\\w-]{1,64}");
      return passkey && state && deepLink ? { passkey, state, deepLink } : undefined;
    },
  },
];

/** The kind of the page's link with a token, what it sends to which API; undefined if the link has no token. */
function readTokenLink() {
  const query = plainQuery();
  const api = isLocal ? "" : (apis[valueIn(query, "stage", "local|nonprod|prod")] ?? apis.prod);
  return TOKEN_LINKS.map((kind) => ({ ...kind, api, body: kind.bodyIn(query) })).find(({ body }) => body);
}

/** Shows the button of a link with a token. */
function offerToSend({ button: id, method, done, failed, api, body }) {
  const result = document.getElementById(`${id}-result`);
  const button = document.getElementById(id);
  button.addEventListener("click", async () => {
    button.disabled = true;
    const isDone = await fetch(`${api}/1/2026-12-01/${method}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    })
      .then(({ ok }) => ok)
      .catch(() => false);
    result.textContent = words[isDone ? done : failed];
    button.disabled = isDone;
  });
}

const show = (id) => {
  document.getElementById(id).hidden = false;
};
/** The local stack serves this page beside its API. */
const isLocal = ["localhost", "127.0.0.1"].includes(location.hostname);
/** What the page says in each locale, and where the installed app opens (tools/landing). */
const { deepLink, apis, texts, rightToLeft } = JSON.parse(document.querySelector("meta[name=app]").content);

/** The texts in the first of the reader's languages that the app has, else those of the page as it was sent. */
function chooseTexts() {
  const locales = Object.keys(texts);
  const languageOf = (tag) => tag.split("-")[0];
  for (const wanted of navigator.languages) {
    const exact = locales.find((locale) => locale === wanted);
    const found = exact ?? locales.find((locale) => languageOf(locale) === languageOf(wanted));
    if (found) return [found, texts[found]];
  }
  return [document.documentElement.lang, texts[document.documentElement.lang]];
}

const [locale, words] = chooseTexts();
document.documentElement.lang = locale;
document.documentElement.dir = rightToLeft.includes(locale) ? "rtl" : "ltr";
for (const element of document.querySelectorAll("[data-text]"))
  element.textContent = words[element.dataset.text];

/** What the app needs of a magic link. Encoded again: the app finds its code verifier by the exact state. */
const magicLinkText = ({ code, state, flow }) =>
  [
    `code=${encodeURIComponent(code)}`,
    `state=${encodeURIComponent(state)}`,
    ...(flow ? [`flow=${encodeURIComponent(flow)}`] : []),
  ].join("&");

const link = readLink();
const isMagicLink = link.code && link.state;
const oauthError = isMagicLink ? undefined : readOauthError();
const hasState = isMagicLink || oauthError !== undefined;
// A state is the text of a stranger, so a link with a state is never read as a link with a token.
const appLink = hasState ? undefined : readAppLink();
/** The texts for the errors of a visit at an OAuth provider. */
const OAUTH_ERRORS = {
  access_denied: "oauthDeclined",
  account_exists: "oauthAccountExists",
  registration_disabled: "oauthRegistrationClosed",
  temporarily_unavailable: "oauthUnavailable",
};
const text = isMagicLink ? magicLinkText(link) : appLink?.text;
const tokenLink = hasState ? undefined : readTokenLink();

const showTitle = (name) => {
  document.title = words[name];
  document.querySelector("h1").textContent = words[name];
};

/** Opens the app with the text, and lets the link do the same. */
function openApp(id, text) {
  const appUrl = `${deepLink}?${text}`;
  document.getElementById(id).href = appUrl;
  // Wait for the page to load, so that a browser without the app still shows the other ways to sign in.
  window.addEventListener("load", () => location.assign(appUrl), { once: true });
}

if (text) {
  // The page hands the link over and redeems nothing.
  if (appLink?.flow === "account_invite") {
    showTitle("inviteTitle");
    show("invite-help");
  }
  document.getElementById("text").value = text;
  document.getElementById("copy").addEventListener("click", async () => {
    const field = document.getElementById("text");
    field.select();
    await navigator.clipboard.writeText(text).catch(() => document.execCommand("copy"));
    document.getElementById("copied").textContent = words.copied;
  });
  if (isLocal && isMagicLink) {
    document.getElementById("local-link").href = `/#${text}`;
    show("local");
  }
  show("complete");
  if (deepLink) {
    openApp("open", text);
    show("installed");
  }
} else if (oauthError) {
  const name = Object.hasOwn(OAUTH_ERRORS, oauthError.error) ? OAUTH_ERRORS[oauthError.error] : "oauthFailed";
  document.getElementById("oauth-error").textContent = words[name];
  show("oauth-failed");
  if (deepLink) {
    openApp("oauth-open", oauthError.text);
    show("oauth-back");
  }
} else if (tokenLink) {
  const { section, title, offer = offerToSend } = tokenLink;
  showTitle(title);
  offer(tokenLink, words);
  show(section);
} else {
  show("incomplete");
}
