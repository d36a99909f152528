// biome-ignore lint/style/noRestrictedImports: the browser finds the file beside this one
import { offerReset } from "./reset_password.js";

// The page that the links of mails open. It sends no request before a person presses a button, so that a mail scanner that
// opens the link does not redeem it.
/** Characters that mail programs insert to break lines, as URLs encode them: white space, soft hyphens, zero-width. */
const INVISIBLE = /%(?:0[9AD]|20|C2%A[0D]|E2%80%8[B-F]|E2%80%A[A-E]|E2%81%A[0-9]|EF%BB%BF)/gi;
/** Characters at which programs end a link. */
const PUNCTUATION = /(?:[.,;:!?)\]}>'"]|%(?:22|27|3E|5D|7D))+$/i;
/** The form of a code: an authorization's id, a dot and a secret (contract 1.7). */
const CODE = /(?:[a-z\d]+_)?authzcode_[\dA-Za-z]{27,29}\.[\da-f]{64}/;
const ROUNDS = 5;

/** `&amp;` of HTML, encoded or not, is `&`. */
const separated = (query) =>
  query.replace(/&(?:amp(?:;|%3B)|#0*38(?:;|%3B)|#x0*26(?:;|%3B))+(?=(?:code|state|flow)=)/gi, "&");

/** Undoes one percent encoding. Bytes that are not UTF-8 stay. */
const decoded = (query) =>
  query.replace(/(?:%[\dA-F]{2})+/gi, (bytes) => {
    try {
      return decodeURIComponent(bytes);
    } catch {
      return bytes;
    }
  });

/**
 * The state. Nest encodes every byte of a state with other characters than these (contract 1.7). So if the first character
 * is not encoded, other characters in the state are not part of it.
 */
function stateIn(query, parameters) {
  const [, raw = ""] = /[?&]state=([^&#]*)/.exec(query) ?? [];
  const plain = raw.replace(INVISIBLE, "").replace(PUNCTUATION, "");
  return /^[\w-]{1,64}$/.test(plain) ? plain : parameters.get("state");
}

/** Code, state and flow of a link that mail programs or link scanners may have changed. */
function readLink() {
  let query = location.search + location.hash;
  for (let round = 0; round < ROUNDS; round++) {
    query = separated(query);
    const parameters = new URLSearchParams(query.replace(/#.*$/, ""));
    const code = parameters.get("code");
    const state = stateIn(query, parameters);
    if (code && state) {
      const [plain = code] = CODE.exec(code.replace(/[^!-~]+/g, "")) ?? [];
      const flow = parameters.get("flow");
      return { code: plain, state, flow: flow && (/^\w+/.exec(flow)?.[0] ?? flow) };
    }
    query = decoded(query);
  }
  return { code: null, state: null, flow: null };
}

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
];

/** The token and the client of a link of a flow; undefined if it is no such link. */
function tokenOf(query, flow) {
  const token = valueIn(query, "token", "[\\da-f]{64}");
  const clientId = valueIn(query, "client_id", "[\\w-]+");
  const isOfFlow = token && clientId && valueIn(query, "flow", "\\w+") === flow;
  return isOfFlow ? { client_id: clientId, token } : undefined;
}

/** The value of a parameter in a query that is fully decoded, if it has the form. */
const valueIn = (query, name, form) => new RegExp(`[?&](?:amp;)*${name}=(${form})`).exec(query)?.[1];

/** The query without any encoding and without the characters that mail programs insert. */
function plainQuery() {
  let query = location.search + location.hash;
  for (let round = 0; round < ROUNDS; round++) query = decoded(query.replace(INVISIBLE, ""));
  return query;
}

/** The flows of the tokens that the app itself sends, after it has signed the person in or while it does so. */
const APP_FLOWS = ["sign_in", "account_invite"];

/** What the app needs of a link with a token, and the flow of the link; undefined if it is no such link. */
function readAppLink() {
  const query = plainQuery();
  return APP_FLOWS.map((flow) => ({ flow, link: tokenOf(query, flow) }))
    .filter(({ link }) => link)
    .map(({ flow, link }) => ({
      flow,
      text: `token=${link.token}&flow=${flow}&client_id=${link.client_id}`,
    }))[0];
}

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
// A state is the text of a stranger, so a link with a code is never read as a link with a token.
const appLink = isMagicLink ? undefined : readAppLink();
const text = isMagicLink ? magicLinkText(link) : appLink?.text;
const tokenLink = isMagicLink ? undefined : readTokenLink();

const showTitle = (name) => {
  document.title = words[name];
  document.querySelector("h1").textContent = words[name];
};

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
    const appUrl = `${deepLink}?${text}`;
    document.getElementById("open").href = appUrl;
    show("installed");
    // Wait for the page to load, so that a browser without the app still shows the other ways to sign in.
    window.addEventListener("load", () => location.assign(appUrl), { once: true });
  }
} else if (tokenLink) {
  const { section, title, offer = offerToSend } = tokenLink;
  showTitle(title);
  offer(tokenLink, words);
  show(section);
} else {
  show("incomplete");
}
