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
    /** The token in the link of the mail about a new device, and the stage that sent the mail. */
    function readDisown() {
      const query = decoded(location.search);
      const [, token = null] = /[?&]disown=([\da-f]{64})/.exec(query) ?? [];
      const [, stage = "prod"] = /[?&](?:amp;)?stage=(\w+)/.exec(query) ?? [];
      return { token, api: apis[stage] ?? apis.prod };
    }

    /** Shows the button that ends the session which the mail is about. */
    function offerToDisown({ token, api }) {
      const result = document.getElementById("disown-result");
      const button = document.getElementById("disown");
      document.title = words.disownTitle;
      document.querySelector("h1").textContent = words.disownTitle;
      button.addEventListener("click", async () => {
        button.disabled = true;
        const sent = { method: "POST", body: JSON.stringify({ token }) };
        const headers = { "content-type": "application/json" };
        const url = `${api}/1/2026-12-01/disown_session`;
        const isEnded = await fetch(url, { ...sent, headers })
          .then(({ ok }) => ok)
          .catch(() => false);
        result.textContent = isEnded ? words.disowned : words.disownFailed;
        button.disabled = isEnded;
      });
      show("disown-session");
    }

    const disowned = readDisown();
    if (disowned.token) {
      offerToDisown(disowned);
    } else if (code && state) {
      const [plain = code] = CODE.exec(code.replace(/[^!-~]+/g, "")) ?? [];
      const flow = parameters.get("flow");
      return { code: plain, state, flow: flow && (/^\w+/.exec(flow)?.[0] ?? flow) };
    }
    query = decoded(query);
  }
  return { code: null, state: null, flow: null };
}

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

const { code, state, flow } = readLink();
const show = (id) => {
  document.getElementById(id).hidden = false;
};

if (code && state) {
  // Encode again: the app finds its code verifier by the exact state.
  const text = [
    `code=${encodeURIComponent(code)}`,
    `state=${encodeURIComponent(state)}`,
    ...(flow ? [`flow=${encodeURIComponent(flow)}`] : []),
  ].join("&");
  document.getElementById("text").value = text;
  document.getElementById("copy").addEventListener("click", async () => {
    const field = document.getElementById("text");
    field.select();
    await navigator.clipboard.writeText(text).catch(() => document.execCommand("copy"));
    document.getElementById("copied").textContent = words.copied;
  });
  if (["localhost", "127.0.0.1"].includes(location.hostname)) {
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
} else {
  show("incomplete");
}
