import { fromBase64url } from "./pkce.ts";

/** The parts of a magic link. */
export interface FoundLink {
  code: string;
  state: string;
  /** `trial` for the link of a trial. */
  flow: "trial" | null;
}

/** An authorization's id, which may have a prefix and has 27 characters (older: 29), a dot and a secret (contract 1.7). */
const CODE = String.raw`code=((?:[a-z\d]+_)?authzcode_[\dA-Za-z]{27,29}\.[\da-f]{64})`;
/** The states that `randomString` makes. */
const STATE = /^[\w-]{43}$/;
/** Other parameters of the same link. */
const BETWEEN = "&(?:(?!code=|state=).)*?";
const MAX_LENGTH = 500_000;
const MAX_READINGS = 40;

/** A character by its number. Mail programs insert other characters than visible ASCII to break lines. */
const character = (number: number) => (number > 32 && number < 127 ? String.fromCharCode(number) : "");

/** Undoes an encoding that writes a character as a mark and two hexadecimal digits. */
const hex = (mark: string) => {
  const pattern = new RegExp(`${mark}([\\da-f]{2})`, "gi");
  return (text: string) => text.replace(pattern, (_, digits) => character(Number(`0x${digits}`)));
};

/** What mail programs and link scanners do to a link. Each undoes one encoding, and leaves other text unchanged. */
const DECODERS: readonly ((text: string) => string)[] = [
  // URLs in parameters of other URLs.
  hex("%"),
  // HTML.
  (text) =>
    text.replace(/<wbr\W*>|&(#?)(x?)(\w+);/gi, (_, isNumber, isHex, name) =>
      isNumber ? character(Number(`${isHex ? "0x" : ""}${name}`)) : /^amp$/i.test(name) ? "&" : "",
    ),
  // The source of a mail (RFC 2045, section 6.7).
  (text) => hex("=")(text.replace(/=\r?\n/g, "")),
  // Proofpoint URL Defense, version 2.
  (text) => (/urldefense/i.test(text) ? hex("-")(text.replaceAll("_", "/")) : text),
  // URLs in base64. `aHR0c` is "http".
  (text) =>
    text.replace(/aHR0c[\w+/-]+/g, (encoded) => {
      try {
        return fromBase64url(encoded);
      } catch {
        return encoded;
      }
    }),
];

/** Removes line breaks with the marks of quoted mail, white space, and every character that is not visible ASCII. */
const joined = (text: string) => text.replace(/[\r\n][>|\s]*|[^!-~]+/g, "");

/** The text, and the texts that result when one or more of its encodings are undone. Fewer decodings come first. */
function* readings(text: string): Generator<string> {
  const found = new Set([text.slice(0, MAX_LENGTH)]);
  for (const reading of found) {
    yield joined(reading);
    for (const decode of DECODERS) if (found.size < MAX_READINGS) found.add(decode(reading));
  }
}

/**
 * Finds a magic link in any text that a person pastes, or that the operating system hands over: the link, the app's own
 * URL, the text of the link's page, a wrapped or broken link, or the whole mail. The link's host does not matter, because
 * the code is sent to Nest only.
 * @param states the states that the store has, the newest first: no other state is accepted (RFC 6749, section 10.12)
 * @returns the first link with the newest state, or null
 */
export function findLink(text: string, states: readonly string[]): FoundLink | null {
  const known = states.filter((state) => STATE.test(state));
  for (const reading of known.length > 0 ? readings(text) : [])
    for (const state of known) {
      const both = `${CODE}${BETWEEN}state=${state}|state=${state}${BETWEEN}${CODE}`;
      const [link, ...codes] = new RegExp(`(?:flow=trial&)?(?:${both})(?:&flow=trial)?`).exec(reading) ?? [];
      if (link) return { code: codes.join(""), state, flow: link.includes("flow=trial") ? "trial" : null };
    }
  return null;
}
