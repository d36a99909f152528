// Reads the links of mails, which mail programs and link scanners may have changed.
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
export function readLink() {
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

/** The token and the client of a link of a flow; undefined if it is no such link. */
export function tokenOf(query, flow) {
  const token = valueIn(query, "token", "[\\da-f]{64}");
  const clientId = valueIn(query, "client_id", "[\\w-]+");
  const isOfFlow = token && clientId && valueIn(query, "flow", "\\w+") === flow;
  return isOfFlow ? { client_id: clientId, token } : undefined;
}

/** The value of a parameter in a query that is fully decoded, if it has the form. */
export const valueIn = (query, name, form) => new RegExp(`[?&](?:amp;)*${name}=(${form})`).exec(query)?.[1];

/** The query without any encoding and without the characters that mail programs insert. */
export function plainQuery() {
  let query = location.search + location.hash;
  for (let round = 0; round < ROUNDS; round++) query = decoded(query.replace(INVISIBLE, ""));
  return query;
}

/** The flows of the tokens that the app itself sends, after it has signed the person in or while it does so. */
const APP_FLOWS = ["sign_in", "account_invite"];

/** What the app needs of a link with a token, and the flow of the link; undefined if it is no such link. */
export function readAppLink() {
  const query = plainQuery();
  return APP_FLOWS.map((flow) => ({ flow, link: tokenOf(query, flow) }))
    .filter(({ link }) => link)
    .map(({ flow, link }) => ({
      flow,
      text: `token=${link.token}&flow=${flow}&client_id=${link.client_id}`,
    }))[0];
}

/**
 * The error with which a person comes back from an OAuth provider, and the text with both for the app; undefined if it is no such return.
 * The browser was redirected here, so no mail program has changed the URL.
 */
export function readOauthError() {
  const query = new URLSearchParams(location.search);
  const [error, state] = [query.get("error"), query.get("state")];
  if (!error || !state || query.has("code")) return undefined;
  return { error, text: `error=${encodeURIComponent(error)}&state=${encodeURIComponent(state)}` };
}
